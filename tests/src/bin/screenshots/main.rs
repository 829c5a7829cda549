//! `make screenshots`: takes the pictures of the manual from the real window, light and dark. A provider on this
//! machine stands in for the model; everything else is what founders have. `AICIB_BIN_DIR` names other programs than
//! those beside this one.

#[cfg(target_os = "linux")]
mod album;
#[cfg(target_os = "linux")]
mod nothing;
#[cfg(target_os = "linux")]
mod sizes;
#[cfg(target_os = "linux")]
mod work;
#[cfg(target_os = "linux")]
mod wrong;

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let dir = std::env::args().nth(1).unwrap_or_else(|| "docs/screenshots".into());
    let mut album = album::Album::new(std::path::Path::new(&dir))?;
    nothing::take(&mut album).await?;
    let mut company = work::Company::found().await?;
    work::take(&mut company, &mut album).await?;
    sizes::take(&mut company, &mut album).await?;
    wrong::take(&mut company, &mut album).await?;
    wrong::take_without_daemon(&mut album).await?;
    album.finish(&company.stage.place)
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("The pictures are taken on Linux.");
}

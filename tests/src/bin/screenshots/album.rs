//! The pictures as they come together: each in both themes, and a page that shows them beside each other.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use blackbox::{Page, Place};

pub const THEMES: [&str; 2] = ["light", "dark"];
/// How often a picture is taken until it is as the one before.
const LOOKS: usize = 6;
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Colours of a picture: what is on screen has few.
const COLOURS: &str = "220";

/// A picture, in both themes.
struct Shot {
    chapter: &'static str,
    name: String,
    caption: String,
}

/// The folder, and what is in it.
pub struct Album {
    dir: PathBuf,
    shots: Vec<Shot>,
}

impl Album {
    /// An album in a folder, in which pictures of before are thrown away.
    pub fn new(dir: &Path) -> anyhow::Result<Album> {
        fs::create_dir_all(dir)?;
        let dir = std::path::absolute(dir)?;
        for file in fs::read_dir(&dir)?.flatten() {
            if file.path().extension().is_some_and(|end| end == "png") {
                fs::remove_file(file.path())?;
            }
        }
        Ok(Album { dir, shots: Vec::new() })
    }

    /// Takes what the page shows.
    pub async fn take(&mut self, page: &Page, chapter: &'static str, name: &str, caption: &str) -> anyhow::Result<()> {
        for theme in THEMES {
            wear(page, theme).await?;
            fs::write(self.file(name, theme), still(page).await?)?;
        }
        self.note(chapter, name, caption);
        Ok(())
    }

    /// Where a picture goes that is taken otherwise.
    pub fn file(&self, name: &str, theme: &str) -> PathBuf {
        self.dir.join(format!("{name}-{theme}.png"))
    }

    /// Notes that a picture is there, in both themes.
    pub fn note(&mut self, chapter: &'static str, name: &str, caption: &str) {
        println!("{name}");
        self.shots.push(Shot { chapter, name: name.to_owned(), caption: caption.to_owned() });
    }

    /// Makes the pictures small, and writes the page.
    pub fn finish(self, place: &Place) -> anyhow::Result<()> {
        for shot in &self.shots {
            for theme in THEMES {
                let mut command = place.command("mogrify");
                command.args(["-strip", "+dither", "-colors", COLOURS, "-define", "png:compression-level=9"]);
                let file = self.file(&shot.name, theme);
                anyhow::ensure!(command.arg(&file).status()?.success(), "{} was not made small", file.display());
            }
        }
        fs::write(self.dir.join("index.html"), self.html()?)?;
        println!("{} pictures in two themes are in {}", self.shots.len(), self.dir.display());
        Ok(())
    }

    fn html(&self) -> anyhow::Result<String> {
        let mut chapters: Vec<&str> = Vec::new();
        for shot in &self.shots {
            if !chapters.contains(&shot.chapter) {
                chapters.push(shot.chapter);
            }
        }
        let (mut index, mut body) = (String::new(), String::new());
        for chapter in chapters {
            let id = chapter.to_lowercase().replace(' ', "-");
            writeln!(index, "<a href=\"#{id}\">{chapter}</a>")?;
            writeln!(body, "<h2 id=\"{id}\">{chapter}</h2>")?;
            for shot in self.shots.iter().filter(|shot| shot.chapter == chapter) {
                let caption = shot.caption.replace('&', "&amp;").replace('<', "&lt;").replace('"', "&quot;");
                writeln!(body, "<figure><figcaption>{caption}</figcaption><div>")?;
                for theme in THEMES {
                    let file = format!("{}-{theme}.png", shot.name);
                    let alt = format!("{caption}, {theme}");
                    writeln!(body, "<a href=\"{file}\"><img src=\"{file}\" alt=\"{alt}\" loading=\"lazy\"></a>")?;
                }
                writeln!(body, "</div></figure>")?;
            }
        }
        Ok(include_str!("index.html").replace("<!-- index -->", index.trim()).replace("<!-- pictures -->", body.trim()))
    }
}

/// Puts a theme on, for as long as nobody chooses another.
pub async fn wear(page: &Page, theme: &str) -> anyhow::Result<()> {
    page.run(&format!("document.documentElement.dataset.theme = '{theme}'")).await?;
    Ok(())
}

/// A picture that is as the one before: what is still drawn or moves is not shown half.
async fn still(page: &Page) -> anyhow::Result<Vec<u8>> {
    let mut last = Vec::new();
    for _ in 0..LOOKS {
        tokio::time::sleep(LOOK_EVERY).await;
        let now = page.screenshot().await?;
        if now == last {
            break;
        }
        last = now;
    }
    Ok(last)
}

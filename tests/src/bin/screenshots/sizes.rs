//! The smallest window that is meant to be used, and a large screen that it fills.

use crate::album::Album;
use crate::work::{Company, SIZE};

const SIZES: [((u32, u32), &str); 2] = [((900, 600), "small"), ((3840, 2160), "4k")];

pub async fn take(company: &mut Company, album: &mut Album) -> anyhow::Result<()> {
    let job = format!("job/{}", company.running);
    for (size, name) in SIZES {
        company.resize(size).await?;
        let words = format!("{} × {}", size.0, size.1);
        for (route, shown, screen) in
            [("desk", "Waiting for you", "desk"), (&job, "Activity", "job"), ("jobs", "Newest first", "jobs")]
        {
            if name == "4k" && screen == "jobs" {
                continue;
            }
            company.go(route, shown).await?;
            let caption = format!("{}{}, {words}", screen[..1].to_uppercase(), &screen[1..]);
            album.take(&company.page, "Small and large", &format!("{screen}-{name}"), &caption).await?;
        }
    }
    company.resize(SIZE).await
}

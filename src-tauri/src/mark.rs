//! The tray icon, with a dot that says how things stand.

use tauri::image::Image;
use words::Words;

/// How things stand, the most pressing first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mood {
    /// Somebody waits for the founder.
    Waiting,
    /// A brief failed, and the founder has not looked since.
    Failed,
    /// Work is under way.
    Working,
    /// Nothing runs.
    #[default]
    Idle,
}

impl Mood {
    /// In words, for the tooltip.
    pub const fn words(self, words: &Words) -> &'static str {
        match self {
            Mood::Waiting => words.mood_waiting,
            Mood::Failed => words.mood_failed,
            Mood::Working => words.mood_working,
            Mood::Idle => words.mood_idle,
        }
    }

    /// The dot's colour; on macOS, where icons have none, the system draws what is opaque.
    const fn colour(self) -> Option<[u8; 3]> {
        match self {
            Mood::Waiting => Some([0xe0, 0x8a, 0x1e]),
            Mood::Failed => Some([0xd1, 0x3b, 0x3b]),
            Mood::Working => Some([0x2f, 0x9e, 0x62]),
            Mood::Idle => None,
        }
    }
}

/// The icon with the dot of a mood, at its lower right, with a gap around it.
pub fn with_mood(icon: &Image<'_>, mood: Mood) -> Image<'static> {
    let (width, height) = (icon.width(), icon.height());
    let mut pixels = icon.rgba().to_vec();
    if let Some(colour) = mood.colour() {
        let side = f64::from(width.min(height));
        let (radius, gap) = (side * 0.20, side * 0.06);
        let (left, top) = (f64::from(width) - radius - side * 0.02, f64::from(height) - radius - side * 0.02);
        for y in 0..height {
            for x in 0..width {
                let (dx, dy) = (f64::from(x) + 0.5 - left, f64::from(y) + 0.5 - top);
                let away = dx.hypot(dy);
                let at = ((y * width + x) * 4) as usize;
                let Some(pixel) = pixels.get_mut(at..at + 4) else { continue };
                // One pixel's worth of both at the edges, so that they are smooth.
                let dot = (radius - away + 0.5).clamp(0.0, 1.0);
                let clear = (radius + gap - away + 0.5).clamp(0.0, 1.0);
                let below = f64::from(pixel[3]) * (1.0 - clear);
                let alpha = dot * 255.0 + below * (1.0 - dot);
                if dot > 0.0 {
                    pixel[..3].copy_from_slice(&colour);
                }
                pixel[3] = alpha.round() as u8;
            }
        }
    }
    Image::new_owned(pixels, width, height)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mood_looks_different_and_none_changes_the_size() {
        let icon = Image::new_owned(vec![255; 64 * 64 * 4], 64, 64);
        let moods = [Mood::Waiting, Mood::Failed, Mood::Working, Mood::Idle];
        let drawn = moods.map(|mood| with_mood(&icon, mood));
        for (index, one) in drawn.iter().enumerate() {
            assert_eq!((one.width(), one.height(), one.rgba().len()), (64, 64, 64 * 64 * 4));
            for other in &drawn[index + 1..] {
                assert_ne!(one.rgba(), other.rgba());
            }
        }
        assert_eq!(drawn[3].rgba(), icon.rgba());
        let middle = ((50 * 64 + 50) * 4) as usize;
        assert_eq!(drawn[0].rgba()[middle..middle + 4], [0xe0, 0x8a, 0x1e, 255]);
    }
}

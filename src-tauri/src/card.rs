//! Quick brief's shadow on Linux, drawn by GTK around the page. The page could draw it itself where its window is
//! see-through, but without its DMABUF renderer WebKitGTK does not clear such places: each frame would darken the last
//! one's shadow.

use std::f64::consts::{FRAC_PI_2, PI};

use gtk::cairo::{Context, RectangleInt, Region};
use gtk::glib::Propagation;
use gtk::prelude::WidgetExt;
use tauri::WebviewWindow;

/// Room for the shadow on each side of the card, in the page's pixels.
pub const EDGE: i32 = 32;
/// The same as the page's own corners.
const RADIUS: f64 = 13.0;
/// The shadow: layers upon layers, from a little smaller to larger than the card, all a little lower.
const LAYERS: i32 = 34;
const INSET: f64 = 10.0;
const REACH: f64 = 24.0;
const DROP: f64 = 8.0;
const DARKNESS: f64 = 0.0055;

/// Gives a see-through window a shadow, and the room for it.
///
/// # Errors
/// It has no GTK window.
pub fn draw(window: &WebviewWindow) -> tauri::Result<()> {
    let card = window.default_vbox()?;
    card.set_margin(EDGE);
    let around = window.gtk_window()?;
    around.connect_draw(|around, on| {
        let (width, height) = (around.allocated_width() - 2 * EDGE, around.allocated_height() - 2 * EDGE);
        shadow(on, EDGE.into(), width.into(), height.into());
        Propagation::Proceed
    });
    // A click on the shadow is one on what is behind it.
    card.connect_size_allocate(move |_, at| {
        let shape = RectangleInt::new(at.x(), at.y(), at.width(), at.height());
        around.input_shape_combine_region(Some(&Region::create_rectangle(&shape)));
    });
    Ok(())
}

fn shadow(on: &Context, edge: f64, width: f64, height: f64) {
    on.set_source_rgba(0.08, 0.07, 0.05, DARKNESS);
    for layer in 0..LAYERS {
        let by = (INSET + REACH) * (f64::from(layer) / f64::from(LAYERS)).powf(1.2) - INSET;
        rounded(on, edge - by, edge + DROP - by, width + 2.0 * by, height + 2.0 * by, RADIUS + by);
        if let Err(error) = on.fill() {
            tracing::debug!(%error, "no shadow is drawn");
            return;
        }
    }
}

fn rounded(on: &Context, left: f64, top: f64, width: f64, height: f64, radius: f64) {
    let (right, bottom) = (left + width, top + height);
    on.new_path();
    on.arc(right - radius, top + radius, radius, -FRAC_PI_2, 0.0);
    on.arc(right - radius, bottom - radius, radius, 0.0, FRAC_PI_2);
    on.arc(left + radius, bottom - radius, radius, FRAC_PI_2, PI);
    on.arc(left + radius, top + radius, radius, PI, PI + FRAC_PI_2);
    on.close_path();
}

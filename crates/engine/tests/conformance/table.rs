//! What holds where: a row a behaviour, a column an engine.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Failed;

#[derive(Clone)]
enum Cell {
    Ok,
    Failed(String),
    Lacks(&'static str),
}

/// The matrix.
#[derive(Default)]
pub struct Table {
    cells: Mutex<BTreeMap<(&'static str, &'static str), Cell>>,
}

impl Table {
    fn set(&self, row: &'static str, engine: &'static str, cell: Cell) {
        self.cells.lock().unwrap_or_else(PoisonError::into_inner).insert((row, engine), cell);
    }

    /// An engine has no such thing.
    pub fn lacks(&self, row: &'static str, engine: &'static str, why: &'static str) {
        self.set(row, engine, Cell::Lacks(why));
    }

    /// How a trial went.
    pub fn record(&self, row: &'static str, engine: &'static str, went: Result<(), String>) -> Result<(), Failed> {
        let cell = went.as_ref().map_or_else(|why| Cell::Failed(why.clone()), |()| Cell::Ok);
        self.set(row, engine, cell);
        went.map_err(Failed::from)
    }

    /// Prints it, and writes it where it is asked for.
    pub fn print(&self) {
        let cells = self.cells.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let engines: Vec<&str> = crate::engines::all().iter().map(|engine| engine.name).collect();
        let mut notes: Vec<String> = Vec::new();
        let mut text = format!("| | {} |\n|---{}|\n", engines.join(" | "), "|---".repeat(engines.len()));
        for row in crate::rows::ALL {
            let of_row = engines.iter().map(|engine| match cells.get(&(row.name, *engine)) {
                Some(Cell::Ok) => "ok".to_owned(),
                Some(Cell::Failed(_)) => "FAILED".to_owned(),
                Some(Cell::Lacks(why)) => format!("– {}", note(&mut notes, why)),
                None => "not run".to_owned(),
            });
            text.push_str(&format!("| {} | {} |\n", row.name, of_row.collect::<Vec<_>>().join(" | ")));
        }
        text.push('\n');
        for (number, note) in notes.iter().enumerate() {
            text.push_str(&format!("{}. {note}\n", number + 1));
        }
        println!("\n{text}");
        for ((row, engine), cell) in &cells {
            if let Cell::Failed(why) = cell {
                println!("{engine}: {row}: {}", why.lines().next().unwrap_or_default());
            }
        }
        if let Some(file) = std::env::var_os("AICIB_ENGINES_TABLE") {
            std::fs::write(file, text).expect("the table can be written");
        }
    }
}

/// The number of a note, which is added where it is new.
fn note(notes: &mut Vec<String>, why: &str) -> usize {
    let known = notes.iter().position(|note| note == why).unwrap_or_else(|| {
        notes.push(why.to_owned());
        notes.len() - 1
    });
    known + 1
}

//! One suite over every engine, as a worker sees it: the same rows for the rehearsal, for APIs, and for agents'
//! programs, with a matrix at the end of what holds where.
//!
//! Programs are played by the stand-in of `examples/scripted_agent`, which this binary holds as well; with
//! `AICIB_ENGINES` (a folder that `scripts/test-engines.sh` fills) they are the real ones. `AICIB_ENGINES_TABLE` names
//! a file that the matrix is written to.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says where")]

#[path = "../../examples/scripted_agent/agent/mod.rs"]
mod agent;
mod alone;
mod census;
mod engines;
mod folder;
mod host;
mod real;
mod rows;
mod table;
mod trial;

use std::sync::Arc;

use libtest_mimic::Arguments;

use table::Table;

fn main() {
    let mut args = std::env::args().skip(1);
    if args.next().as_deref() == Some(engines::AS_AGENT) {
        agent::main(args.collect());
    }
    let arguments = Arguments::from_args();
    if arguments.list || alone::is_alone() {
        run(&arguments);
    }
    alone::again();
}

fn run(arguments: &Arguments) -> ! {
    let table = Arc::new(Table::default());
    let mut tests = Vec::new();
    for engine in engines::all() {
        for row in rows::ALL {
            if let Some(why) = (row.lacks)(&engine) {
                table.lacks(row.name, engine.name, why);
                continue;
            }
            let (table, engine) = (table.clone(), engine.clone());
            let name = format!("{}: {}", engine.name, row.name);
            let test = move || table.record(row.name, engine.name, trial::play(row, &engine));
            tests.push(libtest_mimic::Trial::test(name, test));
        }
    }
    let conclusion = libtest_mimic::run(arguments, tests);
    if !arguments.list {
        table.print();
    }
    conclusion.exit()
}

//! The stand-in for agents' programs. See the example that it makes.

mod acp;
mod claude;
mod codex;
mod lines;
mod mcp;
mod mischief;
mod options;
mod provider;
mod stream;
mod tools;
mod work;

use options::Options;

/// Plays the program that the first argument names, with the rest of them, until it ends.
pub fn main(mut args: Vec<String>) -> ! {
    let program = if args.is_empty() { String::new() } else { args.remove(0) };
    let options = Options::new(args);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let code = runtime.block_on(async {
        match program.as_str() {
            "claude" => claude::run(options).await,
            "codex" => codex::run(options).await,
            "acp" => acp::run(options).await,
            other => {
                eprintln!("There is no {other:?} to stand in for: claude, codex or acp.");
                2
            }
        }
    });
    std::process::exit(code)
}

//! How long it takes to end a tree of 50 processes, 10 of them in sessions of their own and 5 that do not end when told
//! to, so that the whole grace passes each time. Prints what came on top of the grace, and how often that was over the
//! limit or left something behind.
//!
//! `cargo run -p process --example bench_stop -- [trials] [bystanders]`: bystanders are processes beside the tree that
//! each look has to tell apart from it.

#[cfg(target_os = "linux")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    bench::run().await
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("this is measured on Linux only");
}

#[cfg(target_os = "linux")]
mod bench {
    use std::error::Error;
    use std::time::{Duration, Instant};

    use process::{Command, Mark, Spawned, census, spawn, stop_tree};

    const GRACE: Duration = Duration::from_millis(500);
    const LIMIT: Duration = Duration::from_millis(200);
    const TREE: usize = 50;
    /// How long a tree may take to grow.
    const GROWING: Duration = Duration::from_secs(20);

    const SCRIPT: &str = r#"
        for i in 1 2 3 4 5 6 7 8 9 10; do setsid sleep 1000 & done
        for i in 1 2 3 4 5; do (trap '' TERM; sleep 1000; true) & done
        i=0; while [ $i -lt 29 ]; do sleep 1000 & i=$((i+1)); done
        wait
    "#;

    pub async fn run() -> Result<(), Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<usize>());
        let trials = arguments.next().transpose()?.unwrap_or(200);
        let bystanders = arguments.next().transpose()?.unwrap_or_default();

        let beside = Mark::new("AICIB_BENCH", format!("beside:{}", std::process::id()));
        let count = format!("i=0; while [ $i -lt {bystanders} ]; do sleep 1000 & i=$((i+1)); done; wait");
        let mut beside_root = spawn(Command::new("sh").arg("-c").arg(count).mark(&beside))?;
        grown(&beside_root, &beside, bystanders).await?;

        let mut took = Vec::with_capacity(trials);
        let mut over = 0;
        for trial in 0..trials {
            let mark = Mark::new("AICIB_BENCH", format!("{}:{trial}", std::process::id()));
            let mut root = spawn(Command::new("sh").arg("-c").arg(SCRIPT).mark(&mark))?;
            grown(&root, &mark, TREE - 1).await?;
            let began = Instant::now();
            let stopped = stop_tree(Some(&root.identity), true, &mark, GRACE).await;
            let beyond = began.elapsed().saturating_sub(GRACE);
            let all = stopped.ended + stopped.forced >= i64::try_from(TREE)? && stopped.left == 0;
            let nothing_left = census(Some(&root.identity), &mark).is_empty();
            if beyond > LIMIT || !all || !nothing_left {
                over += 1;
                println!("trial {trial}: {beyond:?} beyond the grace, {stopped:?}");
            }
            took.push(beyond);
            root.child.wait().await?;
        }
        stop_tree(Some(&beside_root.identity), true, &beside, GRACE).await;
        beside_root.child.wait().await?;

        took.sort_unstable();
        let at =
            |share: f64| took.get(((took.len() as f64 - 1.0) * share).round() as usize).copied().unwrap_or_default();
        println!(
            "{trials} trees of {TREE}, {bystanders} bystanders, grace {GRACE:?}: beyond the grace p50 {:.1?}, p99 {:.1?}, max {:.1?}; over {LIMIT:?} or not all ended: {over}",
            at(0.5),
            at(0.99),
            at(1.0)
        );
        Ok(())
    }

    async fn grown(root: &Spawned, mark: &Mark, size: usize) -> Result<(), Box<dyn Error>> {
        let deadline = Instant::now() + GROWING;
        while census(Some(&root.identity), mark).len() < size {
            if Instant::now() > deadline {
                return Err("the tree does not grow".into());
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        // Its shells have executed their programs and set their traps.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Ok(())
    }
}

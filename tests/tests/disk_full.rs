//! A home on a full disk: a small file system of its own, filled while a run is under way.
#![cfg(target_os = "linux")]

use std::process::Command;

use anyhow::Context;
use blackbox::Place;
use serde_json::Value;

/// Runs inside a mount namespace; $1 is the place. Prints one JSON object a line.
const SCRIPT: &str = r#"
set -eu
mount -t tmpfs -o size=4m none "$AICIB_HOME"
cd "$1"
"$AICIB" init --name Acme --dir acme --engine practice >/dev/null
cd acme
"$AICIB" start >/dev/null
"$AICIB" brief --background "Write the imprint" >/dev/null
until [ "$("$AICIB" logs --job 1 --json | grep -c delegation_started)" -ge 2 ]; do :; done
dd if=/dev/zero of="$AICIB_HOME/filler" bs=64k 2>/dev/null || true
# The run is over once it has given back what it kept aside for its last word.
until [ ! -e "$AICIB_HOME/runs/1/reserve" ]; do sleep 0.1; done
for i in $(seq 200); do
  refused=$(timeout 20 "$AICIB" brief --queue --background "Brief $i" --json 2>&1) || { echo "$refused"; break; }
done
rm "$AICIB_HOME/filler"
timeout 60 "$AICIB" logs --job 1 -f >/dev/null || true
"$AICIB" status --json --job 1
"$AICIB" stop >/dev/null
"$AICIB" daemon stop >/dev/null
"#;

#[test]
fn a_full_disk_ends_the_run_honestly_and_loses_nothing() -> anyhow::Result<()> {
    let place = Place::new()?;
    let program = place.aicib(&[])?.get_program().to_owned();
    if !Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("not run: this system gives no mount namespaces");
        return Ok(());
    }
    let output = place
        .command("unshare")
        .env("AICIB", program)
        .args(["-rm", "bash", "-c", SCRIPT, "disk_full"])
        .arg(place.root())
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    anyhow::ensure!(output.status.success(), "{text}\n{}", String::from_utf8_lossy(&output.stderr));
    let lines: Vec<Value> =
        text.lines().map(serde_json::from_str).collect::<Result<_, _>>().context(text.into_owned())?;
    let [refused, job] = lines.as_slice() else { anyhow::bail!("two answers, not {lines:?}") };
    assert_eq!(refused["error"]["code"], "disk.full", "{refused}");
    assert_eq!(job["state"], "failed", "{job}");
    assert_eq!(job["error"]["code"], "disk.full", "{job}");
    assert!(job["events"].as_i64().unwrap_or_default() > 4, "{job}");
    Ok(())
}

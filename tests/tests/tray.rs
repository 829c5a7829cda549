//! The tray's menu, over D-Bus.
#![cfg(target_os = "linux")]

use anyhow::Context;
use blackbox::{Desktop, Other, Place, SOON, Screen, Start, WORK, wait_for};
use serde_json::json;
use x11rb::connection::Connection;
use x11rb::protocol::xproto::{ConnectionExt, GrabMode, ModMask};

#[tokio::test(flavor = "multi_thread")]
async fn quick_brief_opens_from_the_menu() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    stage.launch(&["--hidden"])?;
    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    for label in ["Nothing running", "Quick brief", "Open AICIB", "Quit"] {
        menu.line(label).await?;
    }
    assert!(Screen::windows(&stage.place, "AICIB")?.is_empty(), "--hidden shows no window");
    menu.click("Quick brief").await?;
    let window = Screen::window(&stage.place, "Quick brief").await?;
    // As tall as what is in it, and taller with each line that is typed.
    let size = || -> anyhow::Result<(u32, u32)> {
        let told = stage.place.command("xdotool").args(["getwindowgeometry", "--shell", &window]).output()?;
        let told = String::from_utf8_lossy(&told.stdout).into_owned();
        let side = |name: &str| told.lines().find_map(|line| line.strip_prefix(name)?.parse().ok());
        Ok((side("WIDTH=").context("no width")?, side("HEIGHT=").context("no height")?))
    };
    assert_eq!(size()?.0, 400);
    let type_lines = || -> anyhow::Result<()> {
        stage.place.command("xdotool").args(["windowfocus", "--sync", &window]).status()?;
        for _ in 0..3 {
            stage.place.command("xdotool").args(["type", "One more line of it"]).status()?;
            stage.place.command("xdotool").args(["key", "shift+Return"]).status()?;
        }
        Ok(())
    };
    let (_, at_rest) = size()?;
    let grown = wait_for("a window that grows with its text", SOON, async || {
        type_lines()?;
        Ok(Some(size()?.1).filter(|height| *height > at_rest + 40))
    })
    .await?;
    assert!(grown < 500, "{grown}");

    // The Escape key puts it away again.
    wait_for("the page to take the Escape key", SOON, async || {
        let shown = Screen::windows(&stage.place, "Quick brief")?;
        let Some(window) = shown.first() else { return Ok(Some(())) };
        Screen::press(&stage.place, window, "Escape")?;
        Ok(None)
    })
    .await?;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_menu_shows_what_runs_and_what_it_costs() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    stage.launch(&["--hidden"])?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "practice_pace": 0.5 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let job = daemon.brief(&dir, "Compare prices & write them up").await?;
    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    let header = wait_for("the menu to say that a job runs", WORK, async || {
        let first = menu.lines().await?.into_iter().next().context("no lines")?;
        Ok(first.label.starts_with("1 running").then_some(first))
    })
    .await?;
    assert!(!header.enabled && header.label.contains("today"), "{header:?}");
    let line = menu.line(&format!("#{job} ")).await?;
    assert!(line.label.contains("Compare prices & write them up"), "{line:?}");
    assert!(menu.title().await?.starts_with("1 · $"));

    daemon.call("job.cancel", json!({ "job_id": job })).await?;
    menu.line("Nothing running").await?;
    assert!(!menu.lines().await?.iter().any(|line| line.label.contains(&format!("#{job}"))));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_tray_the_app_works_and_says_so() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { stand_ins: false, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let info = page.call("native.info", json!({})).await?.map_err(anyhow::Error::msg)?;
    assert_eq!(info["tray"], false, "{info}");
    assert_eq!(page.call("ping", json!({})).await?.map(|pong| pong["pid"].is_u64()), Ok(true));
    Ok(())
}

/// Without a tray a hidden window could not be found again: closing it quits.
#[tokio::test(flavor = "multi_thread")]
async fn without_a_tray_closing_the_window_quits() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { stand_ins: false, manager: true, ..Start::default() }).await?;
    stage.launch(&[])?;
    let window = Screen::window(&stage.place, "AICIB").await?;
    let app = stage.app.as_mut().context("no app")?;
    wait_for("the app to end", SOON, async || {
        if !app.is_running() {
            return Ok(Some(()));
        }
        // The window manager closes what it knows to have the focus, which takes a moment.
        Screen::press(&stage.place, &window, "alt+F4")?;
        Ok(None)
    })
    .await?;
    let ended = stage.app.as_mut().context("no app")?.ended(SOON).await?;
    assert!(ended.success(), "{ended}");
    Ok(())
}

/// From the menu all work is put on hold and let go on, and it says so whoever did it.
#[tokio::test(flavor = "multi_thread")]
async fn the_menu_puts_all_work_on_hold() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    stage.launch(&["--hidden"])?;
    let mut daemon = stage.daemon().await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    menu.line("Nothing running").await?;

    menu.click("Pause all work").await?;
    menu.line("All work on hold").await?;
    menu.line("Resume all work").await?;
    assert_eq!(daemon.call("daemon.status", json!({})).await?["held"], true);

    daemon.call("job.resume", json!({})).await?;
    menu.line("Nothing running").await?;
    menu.line("Pause all work").await?;

    // Also in the moment in which a company is new and its Desk is still being read.
    for round in 0..5 {
        let dir = stage.company_dir(&format!("new-{round}"))?;
        daemon.found("New", &dir).await?;
        daemon.call("job.pause", json!({})).await?;
        menu.line("All work on hold").await?;
        daemon.call("job.resume", json!({})).await?;
        menu.line("Nothing running").await?;
    }
    Ok(())
}

/// The shortcut opens Quick brief from anywhere, moves when the settings do, and goes when they say so.
#[tokio::test(flavor = "multi_thread")]
async fn the_global_shortcut_opens_quick_brief() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let status = async || -> anyhow::Result<String> {
        let info = page.call("native.info", json!({})).await?.map_err(anyhow::Error::msg)?;
        Ok(info["global_shortcut"].as_str().unwrap_or_default().to_owned())
    };
    let set = async |keys: &str| -> anyhow::Result<()> {
        let mut settings = page.call("settings.get", json!({})).await?.map_err(anyhow::Error::msg)?;
        settings["quick_shortcut"] = json!(keys);
        page.call("settings.set", settings).await?.map_err(anyhow::Error::msg)?;
        Ok(())
    };
    set("CmdOrCtrl+Shift+B").await?;
    wait_for("the shortcut", SOON, async || Ok((status().await? == "on").then_some(()))).await?;
    stage.place.command("xdotool").args(["key", "ctrl+shift+b"]).status()?;
    let window = Screen::window(&stage.place, "Quick brief").await?;
    wait_for("Quick brief to hide", SOON, async || {
        if Screen::windows(&stage.place, "Quick brief")?.is_empty() {
            return Ok(Some(()));
        }
        Screen::press(&stage.place, &window, "Escape")?;
        Ok(None)
    })
    .await?;

    // What is no combination is refused, with what would be one; the key that was there stays.
    let mut settings = page.call("settings.get", json!({})).await?.map_err(anyhow::Error::msg)?;
    settings["quick_shortcut"] = json!("not a key");
    let refused = page.call("settings.set", settings).await?.expect_err("it is no key");
    assert_eq!(refused["code"], "request.bad");
    assert!(refused.to_string().contains("CmdOrCtrl+Shift+Space"), "{refused}");
    assert_eq!(status().await?, "on");

    // One that another program has is not taken from it.
    let (display, screen) = x11rb::connect(stage.place.get("DISPLAY"))?;
    let root = display.setup().roots[screen].root;
    // The same key on every keyboard: F9.
    for code in display.setup().min_keycode..=display.setup().max_keycode {
        let symbols = display.get_keyboard_mapping(code, 1)?.reply()?.keysyms;
        if symbols.first() == Some(&0xffc6) {
            display.grab_key(false, root, ModMask::ANY, code, GrabMode::ASYNC, GrabMode::ASYNC)?.check()?;
        }
    }
    set("Alt+F9").await?;
    wait_for("why not", SOON, async || Ok(status().await?.contains("another program").then_some(()))).await?;
    set("").await?;
    wait_for("no shortcut", SOON, async || Ok((status().await? == "off").then_some(()))).await?;
    Ok(())
}

/// A locked Caps Lock or Num Lock changes nothing, a held key is one press, and nobody looks for keys in between.
#[tokio::test(flavor = "multi_thread")]
async fn the_shortcut_is_heard_whatever_is_locked_and_sleeps_until_then() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    stage.launch(&["--hidden"])?;
    // The app takes the usual shortcut once it has read the settings.
    let app = stage.app.as_ref().context("no app")?.pid();
    let thread = wait_for("the thread of the shortcut", SOON, async || Ok(thread_of(app, "shortcut"))).await?;
    let place = &stage.place;
    for locked in [&[][..], &["Caps_Lock"], &["Num_Lock"], &["Caps_Lock", "Num_Lock"]] {
        Screen::keys(place, locked_or_none(locked))?;
        Screen::keys(place, &["ctrl+shift+space"])?;
        Screen::window(place, "Quick brief").await.with_context(|| format!("with {locked:?}"))?;
        put_away(place).await?;
        Screen::keys(place, locked_or_none(locked))?;
    }
    let woken = || -> anyhow::Result<u64> {
        let status = std::fs::read_to_string(format!("{thread}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"));
        Ok(line.context("the thread does not say how often it slept")?.trim().parse()?)
    };
    // All of that took seconds. A thread that looks twenty times a second would have woken far more often.
    let often = woken()?;
    assert!(often < 80, "{often} times");
    // Given back, its thread ends.
    let mut daemon = stage.daemon().await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    daemon.set(json!({ "quick_shortcut": "" })).await?;
    wait_for("its thread to end", SOON, async || Ok(thread_of(app, "shortcut").is_none().then_some(()))).await
}

/// Keys to press; one that does nothing where there are none.
fn locked_or_none<'a>(keys: &'a [&'a str]) -> &'a [&'a str] {
    if keys.is_empty() { &["Shift_L"] } else { keys }
}

/// A thread of a process, as a folder below `/proc`.
fn thread_of(process: u32, name: &str) -> Option<String> {
    let threads = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let is = |folder: &String| std::fs::read_to_string(format!("{folder}/comm")).is_ok_and(|comm| comm.trim() == name);
    threads.map(|thread| thread.path().display().to_string()).find(is)
}

/// The tray speaks the founder's language, and changes it at once; without one it speaks the system's.
#[tokio::test(flavor = "multi_thread")]
async fn the_tray_speaks_the_founder_s_language() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start::default()).await?;
    stage.place.set("LC_ALL", "de_DE.UTF-8");
    stage.launch(&["--hidden"])?;
    let menu = stage.stand_ins.as_ref().context("no stand-ins")?.menu().await?;
    for label in
        ["Nichts läuft · 0,00\u{a0}$ heute", "Kurz-Briefing", "AICIB öffnen", "Alle Arbeit anhalten", "Beenden"]
    {
        menu.line(label).await?;
    }
    let mut daemon = stage.daemon().await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    daemon.set(json!({ "practice_pace": 0.5 })).await?;
    let job = daemon.brief(&dir, "Write the imprint").await?;
    menu.line("1 läuft").await?;

    daemon.set(json!({ "language": "en" })).await?;
    for label in ["1 running", "Quick brief", "Open AICIB", "Pause all work", "Quit"] {
        menu.line(label).await?;
    }
    daemon.call("job.cancel", json!({ "job_id": job })).await?;
    menu.line("Nothing running · $0.00 today").await?;
    Ok(())
}

/// Presses Escape until Quick brief is away, wherever the keys go.
async fn put_away(place: &Place) -> anyhow::Result<()> {
    wait_for("Quick brief to hide", SOON, async || {
        if Screen::windows(place, "Quick brief")?.is_empty() {
            return Ok(Some(()));
        }
        Screen::keys(place, &["Escape"])?;
        Ok(None)
    })
    .await
}

/// Whatever has the keyboard, Quick brief takes it: what is typed is the brief.
#[tokio::test(flavor = "multi_thread")]
async fn quick_brief_has_the_keyboard_whenever_it_comes() -> anyhow::Result<()> {
    let mut stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let page = stage.open(&[]).await?;
    let mut daemon = stage.daemon().await?;
    daemon.set(json!({ "onboarded": true, "practice_pace": 20.0 })).await?;
    let dir = stage.company_dir("acme")?;
    daemon.found("Acme", &dir).await?;
    wait_for("the shortcut", SOON, async || {
        let info = page.call("native.info", json!({})).await?.map_err(anyhow::Error::msg)?;
        Ok((info["global_shortcut"] == "on").then_some(()))
    })
    .await?;
    let place = &stage.place;
    let other = Other::open(place).await?;
    let main = Screen::window(place, "AICIB").await?;
    // The first time takes as long as a page takes to load.
    other.use_it(place).await?;
    Screen::keys(place, &["ctrl+shift+space"])?;
    let quick = Screen::window(place, "Quick brief").await?;
    Screen::focused(place, &quick).await?;
    put_away(place).await?;

    for (round, brief) in ["Plan the launch", "Name the rocket", "Write the imprint"].iter().enumerate() {
        if round == 1 {
            place.command("xdotool").args(["mousemove", "--window", &main, "600", "20", "click", "1"]).status()?;
            Screen::focused(place, &main).await?;
        } else {
            other.use_it(place).await?;
        }
        if round == 2 {
            stage.cli(&dir, &["quick"])?;
        } else {
            Screen::keys(place, &["ctrl+shift+space"])?;
        }
        let quick = Screen::window(place, "Quick brief").await?;
        Screen::focused(place, &quick).await?;
        Screen::type_text(place, brief)?;
        Screen::keys(place, &["Return"])?;
        wait_for(&format!("the brief {brief:?}"), SOON, async || {
            let jobs = daemon.call("job.list", json!({ "states": [], "limit": 5 })).await?;
            let job = jobs["jobs"].as_array().into_iter().flatten().find(|job| job["title"] == **brief).cloned();
            Ok(job.filter(|job| job["origin"] == "quick"))
        })
        .await?;
        // It says that the brief was sent, and goes by itself.
        wait_for("Quick brief to hide", SOON, async || {
            Ok(Screen::windows(place, "Quick brief")?.is_empty().then_some(()))
        })
        .await?;
    }

    other.use_it(place).await?;
    Screen::keys(place, &["ctrl+shift+space"])?;
    Screen::window(place, "Quick brief").await?;
    put_away(place).await
}

/// With no app running, `aicib quick` opens Quick brief alone.
#[tokio::test(flavor = "multi_thread")]
async fn quick_from_the_terminal_opens_no_other_window() -> anyhow::Result<()> {
    let stage = Desktop::stage(Start { manager: true, ..Start::default() }).await?;
    let other = Other::open(&stage.place).await?;
    other.use_it(&stage.place).await?;
    stage.cli(stage.place.root(), &["quick"])?;
    let quick = Screen::window(&stage.place, "Quick brief").await?;
    Screen::focused(&stage.place, &quick).await?;
    assert!(Screen::windows(&stage.place, "AICIB")?.is_empty(), "the main window is there too");
    put_away(&stage.place).await?;
    stage.cli(stage.place.root(), &["quick"])?;
    Screen::window(&stage.place, "Quick brief").await?;
    assert!(Screen::windows(&stage.place, "AICIB")?.is_empty(), "the main window is there too");
    Ok(())
}

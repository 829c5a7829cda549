//! Programs, and how far they reach. Names are in small letters, without their folder.

use contract::Act;

use super::further;

/// A program that starts another.
#[derive(Clone, Copy)]
pub(super) struct Wrapper {
    /// Options that have a value of their own after them.
    pub with_value: &'static [&'static str],
    /// Arguments that stand before the program.
    pub positions: usize,
    /// Whether the rest is a line for a shell, and no program with arguments.
    pub is_line: bool,
}

/// How a program starts another, if it does.
pub(super) fn wrapper(name: &str) -> Option<Wrapper> {
    let plain = |with_value| Wrapper { with_value, positions: 0, is_line: false };
    Some(match name {
        "sudo" | "doas" => plain(&[
            "-u",
            "-g",
            "-h",
            "-p",
            "-C",
            "-r",
            "-t",
            "-U",
            "-D",
            "-R",
            "-T",
            "--user",
            "--group",
            "--host",
            "--prompt",
            "--chdir",
            "--role",
            "--type",
            "--other-user",
            "--chroot",
        ]),
        "env" => plain(&["-u", "--unset", "-C", "--chdir"]),
        "nohup" | "setsid" | "builtin" | "time" | "busybox" | "toybox" | "dbus-run-session" | "unbuffer" | "proot"
        | "fakeroot" | "catchsegv" | "eatmydata" | "firejail" | "bwrap" | "unshare" | "systemd-run" | "xvfb-run"
        | "torsocks" | "proxychains" | "proxychains4" | "command" | "exec" => plain(&[]),
        "nice" => plain(&["-n", "--adjustment"]),
        "ionice" => plain(&["-c", "-n", "-p"]),
        "timeout" | "gtimeout" => Wrapper { positions: 1, ..plain(&["-s", "-k", "--signal", "--kill-after"]) },
        "stdbuf" => plain(&["-i", "-o", "-e"]),
        "chroot" | "flock" | "taskset" | "chrt" | "setarch" => Wrapper { positions: 1, ..plain(&["-w", "-E"]) },
        "strace" | "ltrace" | "perf" | "valgrind" | "gdb" => plain(&["-o", "-e", "-p", "-s"]),
        "xargs" | "gxargs" => plain(&[
            "-I",
            "-n",
            "-P",
            "-L",
            "-s",
            "-d",
            "-E",
            "-a",
            "--max-args",
            "--max-procs",
            "--max-lines",
            "--delimiter",
            "--arg-file",
            "--replace",
            "--max-chars",
            "--eof",
        ]),
        "parallel" => plain(&["-j", "--jobs", "-a", "-I", "--colsep"]),
        "watch" => Wrapper { is_line: true, ..plain(&["-n", "--interval"]) },
        _ => return None,
    })
}

/// Whether code can be given to it on its command line or its input.
pub(super) fn is_interpreter(name: &str) -> bool {
    let plain = name.trim_end_matches(|c: char| c.is_ascii_digit() || c == '.');
    matches!(
        plain,
        "python"
            | "pypy"
            | "node"
            | "nodejs"
            | "ruby"
            | "perl"
            | "php"
            | "deno"
            | "bun"
            | "lua"
            | "rscript"
            | "tclsh"
            | "pwsh"
            | "powershell"
    )
}

/// Where the name of a program stands that this one fetches and runs.
pub(super) fn runs(name: &str, args: &[&str]) -> Option<usize> {
    let from = match (name, args.first().copied()) {
        ("npx" | "bunx" | "uvx" | "pnpx", _) => 0,
        ("npm" | "pnpm" | "yarn" | "bun", Some("exec" | "x" | "dlx")) => 1,
        (
            "pipx" | "poetry" | "uv" | "pdm" | "hatch" | "rye" | "bundle" | "mise" | "rtx" | "direnv",
            Some("run" | "exec" | "x"),
        ) => 1,
        ("docker" | "podman", Some("exec")) => 1,
        _ => return None,
    };
    let place = args.get(from..)?.iter().position(|arg| !arg.starts_with('-'))?;
    Some(from + place)
}

/// Programs that publish where their words say so.
pub(super) const PUBLISHERS: [&str; 25] = [
    "git", "jj", "deno", "jsr", "npm", "pnpm", "yarn", "bun", "cargo", "poetry", "uv", "flit", "hatch", "gem",
    "docker", "podman", "helm", "mvn", "gradle", "dotnet", "nuget", "make", "just", "kubectl", "aws",
];
/// The words that say so.
pub(super) const PUBLISHING: [&str; 9] =
    ["push", "publish", "upload", "deploy", "release", "send-email", "apply", "sync", "put-object"];

/// Programs whose names are words that stand in many a text: they say nothing there.
const COMMON: [&str; 26] = [
    "http", "https", "open", "start", "write", "wall", "host", "now", "cap", "links", "stack", "port", "lt", "fly",
    "eb", "hub", "tea", "task", "surge", "railway", "discord", "slack", "mise", "volta", "pod", "bore",
];

/// What a program may reach at worst, whatever its arguments are.
pub(super) fn at_worst(name: &str) -> Act {
    match name {
        "curl" | "wget" | "xh" | "httpie" => Act::Publish,
        name if COMMON.contains(&name) => Act::Command,
        // What only some of their words make far-reaching is found by those words.
        name if PUBLISHERS.contains(&name) => Act::Command,
        name => act(name, &["?", "?:?"]),
    }
}

/// What a program reaches with these arguments, as far as they say.
pub(super) fn act(name: &str, args: &[&str]) -> Act {
    let first = args.iter().find(|arg| !arg.starts_with('-') && !arg.starts_with('+')).copied().unwrap_or_default();
    let has = |words: &[&str]| args.iter().any(|arg| words.contains(arg));
    let among = |reads: &[&str], other: Act| if has(reads) { Act::Network } else { other };
    match name {
        "git" => git(args),
        "git-push" | "git-send-email" | "git-receive-pack" | "git-http-push" => Act::Publish,
        "git-clone" | "git-fetch" | "git-pull" | "git-ls-remote" => Act::Network,
        "curl" | "curlie" => curl(args),
        "wget" | "wget2" => {
            let sends = |arg: &&&str| {
                ["--post", "--body", "--upload"].iter().any(|start| arg.starts_with(start))
                    || (arg.starts_with("--method") && !arg.eq_ignore_ascii_case("--method=get"))
            };
            if args.iter().any(|arg| sends(&arg)) { Act::Publish } else { Act::Network }
        }
        "http" | "https" | "httpie" | "xh" | "xhs" => httpie(args),
        "gh" | "glab" | "tea" | "hub" => match args {
            _ if has(&["--help", "--version"]) => Act::Command,
            ["api", rest @ ..] => {
                let sends = |arg: &&str| {
                    ["-X", "-f", "-F", "--method", "--field", "--raw-field", "--input"]
                        .iter()
                        .any(|start| arg.starts_with(start))
                };
                if rest.iter().any(sends) { Act::Publish } else { Act::Network }
            }
            [_, "list" | "view" | "status" | "diff" | "checks" | "clone" | "checkout" | "download" | "watch", ..]
            | ["status" | "search" | "browse" | "help" | "version", ..] => Act::Network,
            _ => Act::Publish,
        },
        "npm" | "pnpm" | "yarn" | "bun" | "npx" | "pnpx" | "bunx" => packages(name, first, args),
        "cargo" => match first {
            "publish" | "yank" | "owner" | "login" | "release" => Act::Publish,
            "install" | "add" | "fetch" | "update" | "search" | "info" | "binstall" => Act::Network,
            _ => Act::Command,
        },
        "pip" | "pip3" | "pipx" | "uv" | "uvx" | "poetry" | "pdm" | "hatch" | "rye" | "flit" | "conda" | "mamba"
        | "easy_install" => match first {
            "publish" | "upload" => Act::Publish,
            "run" | "list" | "show" | "freeze" | "check" | "build" | "version" | "env" | "shell" => Act::Command,
            _ => Act::Network,
        },
        "twine" => {
            if first == "check" {
                Act::Command
            } else {
                Act::Publish
            }
        }
        "gem" => match first {
            "push" | "yank" | "owner" | "signin" => Act::Publish,
            "build" | "list" | "env" => Act::Command,
            _ => Act::Network,
        },
        "mvn" | "mvnw" | "gradle" | "gradlew" | "sbt" => {
            let publishes = |arg: &&str| {
                ["deploy", "publish", "release"].iter().any(|word| arg.to_ascii_lowercase().contains(word))
            };
            if args.iter().any(publishes) { Act::Publish } else { Act::Network }
        }
        "dotnet" | "nuget" => {
            if has(&["push"]) {
                Act::Publish
            } else {
                among(&["restore", "add", "install"], Act::Command)
            }
        }
        "docker" | "podman" | "nerdctl" | "buildah" | "skopeo" | "helm" | "oras" | "crane" => {
            if has(&["push", "login", "copy", "--push", "upgrade", "install", "publish"]) {
                Act::Publish
            } else {
                among(&["pull", "build", "run", "compose", "search", "repo", "up", "create"], Act::Command)
            }
        }
        "make" | "gmake" | "just" | "task" | "rake" | "nx" | "turbo" | "lerna" | "semantic-release" | "release-it"
        | "goreleaser" | "fastlane" | "changeset" => {
            let publishes = |arg: &&str| {
                let arg = arg.to_ascii_lowercase();
                arg.split([':', '-', '_', '.', '/'])
                    .any(|word| matches!(word, "publish" | "deploy" | "release" | "upload" | "ship"))
            };
            let always = ["semantic-release", "release-it", "goreleaser", "fastlane"].contains(&name);
            if always || args.iter().any(publishes) { Act::Publish } else { Act::Command }
        }
        "go" => match first {
            "get" | "install" => Act::Network,
            "mod" => among(&["download", "tidy"], Act::Command),
            _ => Act::Command,
        },
        "kubectl" | "oc" => among(&["get", "describe", "logs", "top", "explain", "version"], Act::Publish),
        "terraform" | "tofu" | "pulumi" | "cdk" | "terragrunt" => {
            if has(&["apply", "destroy", "up", "deploy", "import", "publish"]) { Act::Publish } else { Act::Network }
        }
        "aws" | "gcloud" | "az" | "gsutil" | "bq" | "doctl" | "hcloud" | "linode-cli" | "oci" | "ibmcloud"
        | "s3cmd" | "mc" | "b2" => {
            let reads = |arg: &&str| {
                matches!(*arg, "ls" | "list" | "show" | "get" | "describe" | "cat" | "help" | "--help" | "--version")
                    || arg.starts_with("describe-")
                    || arg.starts_with("list-")
                    || arg.starts_with("get-")
            };
            if args.iter().any(reads) { Act::Network } else { Act::Publish }
        }
        "scp" | "rsync" | "sftp" => copied(name, args),
        "mail" | "mailx" | "s-nail" | "mutt" | "neomutt" | "sendmail" | "ssmtp" | "msmtp" | "swaks" | "exim"
        | "exim4" | "postfix" | "himalaya" | "smtp-source" | "thunderbird" | "ssh-copy-id" | "ftp" | "lftp"
        | "ncftpput" | "rclone" | "nc" | "ncat" | "netcat" | "socat" | "telnet" | "vercel" | "netlify" | "flyctl"
        | "fly" | "heroku" | "wrangler" | "firebase" | "surge" | "railway" | "serverless" | "sls" | "now"
        | "gh-pages" | "eb" | "cap" | "ansible" | "ansible-playbook" | "vsce" | "ovsx" | "web-ext" | "clawhub"
        | "slack" | "slack-cli" | "telegram-send" | "signal-cli" | "toot" | "tweet" | "twurl" | "ntfy"
        | "matrix-commander" | "twilio" | "discord" | "wall" | "write" | "wp" | "hugo-deploy" | "croc" | "wormhole"
        | "magic-wormhole" | "ngrok" | "cloudflared" | "localtunnel" | "lt" | "bore" | "svn" | "hg-push" | "ipfs"
        | "syncthing" | "restic" => {
            if has(&["--help", "--version"]) {
                Act::Command
            } else {
                Act::Publish
            }
        }
        "deno" | "jsr" if first == "publish" => Act::Publish,
        "hg" | "fossil" | "bzr" | "jj" => {
            if has(&["push", "email", "commit --push"]) {
                Act::Publish
            } else {
                among(&["pull", "clone", "incoming"], Act::Command)
            }
        }
        // It sends briefs and answers questions in the founder's name.
        "aicib" | "stripe" | "paypal" | "coinbase" | "lncli" | "lightning-cli" | "bitcoin-cli" => Act::Spend,
        "ssh" | "mosh" | "autossh" | "sshfs" | "dig" | "nslookup" | "host" | "drill" | "whois" | "ping" | "ping6"
        | "traceroute" | "tracepath" | "mtr" | "nmap" | "masscan" | "aria2c" | "axel" | "lynx" | "w3m" | "links"
        | "elinks" | "youtube-dl" | "yt-dlp" | "apt" | "apt-get" | "aptitude" | "dnf" | "yum" | "microdnf"
        | "zypper" | "pacman" | "apk" | "brew" | "port" | "snap" | "flatpak" | "nix" | "nix-env" | "nix-shell"
        | "guix" | "choco" | "winget" | "scoop" | "cpan" | "cpanm" | "opam" | "cabal" | "stack" | "luarocks"
        | "composer" | "bundle" | "bundler" | "pod" | "nvm" | "volta" | "asdf" | "mise" | "rustup" | "pyenv"
        | "rbenv" | "sdk" | "websocat" | "wscat" | "grpcurl" | "psql" | "mysql" | "mariadb" | "mongosh" | "mongo"
        | "redis-cli" | "sqlcmd" | "ldapsearch" | "http.server" | "ollama" | "huggingface-cli" | "hf"
        | "playwright" | "chromium" | "google-chrome" | "firefox" | "openssl" => match name {
            "openssl" => {
                if first == "s_client" {
                    Act::Publish
                } else {
                    Act::Command
                }
            }
            _ if has(&["--help", "--version"]) => Act::Command,
            _ => Act::Network,
        },
        "open" | "xdg-open" | "start" | "gio" => match args.iter().find(|arg| arg.contains(':')) {
            Some(arg) if arg.starts_with("mailto:") => Act::Publish,
            Some(_) => Act::Network,
            None => Act::Command,
        },
        _ => Act::Command,
    }
}

fn git(args: &[&str]) -> Act {
    const LOCAL: [&str; 58] = [
        "add",
        "am",
        "annotate",
        "apply",
        "bisect",
        "blame",
        "branch",
        "bundle",
        "cat-file",
        "check-ignore",
        "checkout",
        "cherry",
        "cherry-pick",
        "clean",
        "commit",
        "commit-tree",
        "config",
        "count-objects",
        "describe",
        "diff",
        "diff-tree",
        "fast-import",
        "format-patch",
        "fsck",
        "gc",
        "grep",
        "hash-object",
        "help",
        "init",
        "log",
        "ls-files",
        "ls-tree",
        "merge",
        "merge-base",
        "mv",
        "name-rev",
        "notes",
        "rebase",
        "reflog",
        "repack",
        "replace",
        "rerere",
        "reset",
        "restore",
        "rev-list",
        "rev-parse",
        "revert",
        "rm",
        "shortlog",
        "show",
        "show-ref",
        "sparse-checkout",
        "stash",
        "status",
        "switch",
        "symbolic-ref",
        "tag",
        "worktree",
    ];
    const NETWORK: [&str; 7] = ["clone", "fetch", "pull", "ls-remote", "submodule", "remote", "archive"];
    let mut rest = args.iter();
    let mut found = Act::Command;
    while let Some(arg) = rest.next() {
        match *arg {
            "-c" | "--config-env" => {
                // A name of the caller's own may stand for anything.
                let value = rest.next().copied().unwrap_or_default().to_ascii_lowercase();
                if value.starts_with("alias.") {
                    found = Act::Publish;
                }
            }
            "-C" | "--git-dir" | "--work-tree" | "--namespace" | "--exec-path" | "--super-prefix" => {
                rest.next();
            }
            "--version" | "--help" | "-v" | "-h" => return found,
            option if option.starts_with('-') => {}
            "lfs" | "annex" | "svn" | "p4" | "subtree" => {
                let sends = rest.clone().any(|word| matches!(*word, "push" | "dcommit" | "submit" | "sync" | "copy"));
                return further(found, if sends { Act::Publish } else { Act::Network });
            }
            name if NETWORK.contains(&name) => return further(found, Act::Network),
            name if LOCAL.contains(&name) => return found,
            // `push`, and every name that may be an alias for it.
            _ => return Act::Publish,
        }
    }
    found
}

fn curl(args: &[&str]) -> Act {
    // Long options can be shortened as long as they are clear.
    const SENDING: [&str; 12] = [
        "--data",
        "--data-binary",
        "--data-raw",
        "--data-urlencode",
        "--data-ascii",
        "--form",
        "--form-string",
        "--upload-file",
        "--json",
        "--mail-from",
        "--mail-rcpt",
        "--config",
    ];
    // Short options with a value: what comes after them in the same word is that value.
    const WITH_VALUE: &str = "AbcCDeEhHKmoPQrtuUwxyYz";
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        if let Some(long) = arg.strip_prefix("--") {
            let (name, value) = arg.split_once('=').map_or((*arg, None), |(name, value)| (name, Some(value)));
            if long.len() >= 2 && "--request".starts_with(name) && name.len() > 5 {
                let method = value.or(rest.next().copied()).unwrap_or_default();
                if !reads(method) {
                    return Act::Publish;
                }
            } else if long.len() >= 2
                && SENDING.iter().any(|option| option.starts_with(name) || name.starts_with("--data"))
            {
                return Act::Publish;
            }
            continue;
        }
        let Some(short) = arg.strip_prefix('-') else { continue };
        for (at, c) in short.char_indices() {
            match c {
                'd' | 'F' | 'T' | 'K' => return Act::Publish,
                'X' => {
                    let after = &short[at + 1..];
                    let method = if after.is_empty() { rest.next().copied().unwrap_or_default() } else { after };
                    if !reads(method) {
                        return Act::Publish;
                    }
                    break;
                }
                c if WITH_VALUE.contains(c) => {
                    if at + 1 == short.len() {
                        rest.next();
                    }
                    break;
                }
                _ => {}
            }
        }
    }
    Act::Network
}

fn reads(method: &str) -> bool {
    matches!(method.trim_start_matches('=').to_ascii_uppercase().as_str(), "GET" | "HEAD" | "OPTIONS")
}

fn httpie(args: &[&str]) -> Act {
    let mut plain = args.iter().filter(|arg| !arg.starts_with('-'));
    let first = plain.next().copied().unwrap_or_default();
    let is_method = !first.is_empty() && first.chars().all(|c| c.is_ascii_uppercase());
    let items =
        plain.any(|arg| !arg.contains("==") && (arg.contains('=') || arg.contains('@')) && !arg.contains("://"));
    let sends = (is_method && !reads(first)) || items || args.iter().any(|arg| arg.starts_with("--raw"));
    if sends { Act::Publish } else { Act::Network }
}

fn packages(name: &str, first: &str, args: &[&str]) -> Act {
    let publishes =
        |word: &str| word.split([':', '-', '_']).any(|part| matches!(part, "publish" | "deploy" | "release"));
    match first {
        "publish" | "unpublish" | "deprecate" | "dist-tag" | "access" | "owner" | "team" | "token" | "adduser"
        | "login" | "star" | "hook" | "profile" => Act::Publish,
        "run" | "run-script" | "test" | "t" | "start" | "build" | "lint" => {
            if args.iter().any(|arg| publishes(arg)) {
                Act::Publish
            } else {
                Act::Command
            }
        }
        "pack" | "version" | "ls" | "list" | "config" | "prefix" | "root" | "bin" | "help" | "why" => Act::Command,
        "npm" if name == "yarn" => {
            if args.contains(&"publish") {
                Act::Publish
            } else {
                Act::Network
            }
        }
        script if name == "yarn" && publishes(script) => Act::Publish,
        "" if matches!(name, "npm" | "bun") => Act::Command,
        _ if name == "bun" && (first.ends_with(".ts") || first.ends_with(".js")) => Act::Command,
        _ => Act::Network,
    }
}

/// Copies from or to other machines: to them it is sent, from them it is fetched.
fn copied(name: &str, args: &[&str]) -> Act {
    let is_far =
        |arg: &&&str| !arg.starts_with('-') && !arg.starts_with('/') && !arg.starts_with("./") && arg.contains(':');
    if name == "sftp" || args.last().is_some_and(|last| is_far(&last)) {
        return Act::Publish;
    }
    match args.iter().any(|arg| is_far(&arg)) {
        true => Act::Network,
        false => {
            if name == "scp" && args.is_empty() {
                Act::Publish
            } else {
                Act::Command
            }
        }
    }
}

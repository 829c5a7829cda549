//! `aicib config`: the company's config.

use std::path::PathBuf;

use contract::{ConfigGetParams, ConfigReport, ConfigSetParams, methods};
use serde_json::Value;

use crate::args::ConfigCommand;
use crate::commands::editor;
use crate::context::Context;
use crate::daemon::Daemon;
use crate::failure::{Failure, Outcome};
use crate::out::Ink;
use crate::text::{line, safe};

pub(crate) async fn config(context: &mut Context, command: ConfigCommand) -> Outcome {
    let company = context.company_ref()?;
    let client = context.daemon().await?;
    match command {
        ConfigCommand::Get { key } => {
            let value = client.call::<methods::ConfigGet>(ConfigGetParams { company, key }).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&value)?);
            }
            out.line(&plain(&value.value))?;
        }
        ConfigCommand::Set { key, value } => {
            let params = ConfigSetParams { company, key: key.clone(), value };
            let value = client.call::<methods::ConfigSet>(params).await?;
            let out = &mut context.out;
            if out.json {
                return Ok(out.value(&value)?);
            }
            out.line(&format!("{} is {} now.", line(&key, 120), plain(&value.value)))?;
            for warning in &value.warnings {
                out.line(&format!("{} {}", out.paint.ink(Ink::Yellow, "warning:"), line(warning, 400)))?;
            }
        }
        ConfigCommand::Edit => {
            let report = validate(context, &client).await?;
            editor::edit(&PathBuf::from(&report.file))?;
            let report = validate(context, &client).await?;
            print_report(context, &report)?;
        }
        ConfigCommand::Validate => {
            let report = validate(context, &client).await?;
            print_report(context, &report)?;
        }
    }
    Ok(())
}

async fn validate(context: &Context, client: &Daemon) -> Result<ConfigReport, Failure> {
    Ok(client.call::<methods::ConfigValidate>(context.company_ref()?).await?)
}

/// Prints what is wrong, and fails where something is.
fn print_report(context: &mut Context, report: &ConfigReport) -> Outcome {
    let out = &mut context.out;
    if out.json {
        out.value(report)?;
    } else {
        let file = line(&report.file, 400);
        for fault in &report.faults {
            let place = fault.line.map_or_else(String::new, |line| format!(":{line}"));
            // Most messages begin with it.
            let said = fault.key.is_empty() || fault.message.starts_with(&fault.key);
            let key = if said { String::new() } else { format!("{}: ", line(&fault.key, 120)) };
            out.line(&format!("{file}{place}: {key}{}", out.paint.ink(Ink::Red, &line(&fault.message, 400))))?;
        }
        for warning in &report.warnings {
            out.line(&format!("{} {}", out.paint.ink(Ink::Yellow, "warning:"), line(warning, 400)))?;
        }
        if report.faults.is_empty() {
            out.line(&format!("{file} is valid."))?;
        }
    }
    out.flush()?;
    if report.faults.is_empty() { Ok(()) } else { Err(Failure::Exit(1)) }
}

/// A value as people read it: text bare, the rest as indented JSON.
fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => safe(text),
        Value::Array(_) | Value::Object(_) => safe(&serde_json::to_string_pretty(value).unwrap_or_default()),
        other => other.to_string(),
    }
}

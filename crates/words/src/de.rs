//! German.

use contract::Act;

use crate::{Language, Words};

fn count(n: usize) -> String {
    Language::De.count(n)
}

pub(crate) const WORDS: Words = Words {
    language: Language::De,
    running: |n| if n == 1 { "1 läuft".to_owned() } else { format!("{} laufen", count(n)) },
    waiting: |n| if n == 1 { "1 wartet".to_owned() } else { format!("{} warten", count(n)) },
    in_line: |n| format!("{} in der Warteschlange", count(n)),
    planned: |n| format!("{} geplant", count(n)),
    nothing_runs: "Nichts läuft",
    on_hold: "Alle Arbeit ist angehalten",
    on_hold_with: |work| format!("Alle Arbeit ist angehalten: {work}"),
    stopping: "Die Arbeit wird beendet …",
    connecting: "Verbindung wird hergestellt …",
    header: |work, today| format!("{work} · {today} heute"),
    mood_waiting: "wartet auf Antwort",
    mood_failed: "ein Auftrag ist fehlgeschlagen",
    mood_working: "arbeitet",
    mood_idle: "bereit",
    quick_brief: "Kurz-Briefing",
    open_app: "AICIB öffnen",
    pause_all: "Alle Arbeit anhalten",
    resume_all: "Alle Arbeit fortsetzen",
    quit: "Beenden",

    quit_title: "AICIB beenden?",
    quit_text: |n| {
        let what = if n == 1 { "1 Auftrag läuft".to_owned() } else { format!("{} Aufträge laufen", count(n)) };
        format!("{what} noch. Die Arbeit kann ohne das Fenster weitergehen; ihr Ende wird gemeldet.")
    },
    quit_keep: "Beenden, weiterarbeiten lassen",
    quit_stop: "Arbeit stoppen und beenden",
    cancel: "Abbrechen",

    attach_files: "Dateien anhängen",
    choose_folder: "Ordner wählen",
    save_as: "Speichern unter",

    done: |title| format!("Fertig: {title}"),
    failed: |title| format!("Fehlgeschlagen: {title}"),
    stopped_at_limit: |title| format!("An einem Limit gestoppt: {title}"),
    finished: |who, job, took, cost| match cost {
        Some(cost) => format!("{who} hat Auftrag {job} in {took} für {cost} erledigt."),
        None => format!("{who} hat Auftrag {job} in {took} erledigt."),
    },
    of_job: |job, what| format!("Auftrag {job}: {what}"),
    asks: |who, what| format!("{who} fragt: {what}"),
    limit_reached: |title| format!("Ein Limit ist erreicht: {title}"),
    circles: |title| format!("Dreht sich im Kreis: {title}"),
    waits: |job| format!("Auftrag {job} wartet auf eine Antwort."),
    own_question: |_| "Soll die Arbeit weitergehen?".to_owned(),
    wants: |who, act, _| {
        let what = match act {
            Act::Read => "Dateien lesen",
            Act::Write => "Dateien des Firmenordners ändern",
            Act::WriteElsewhere => "fremde Dateien ändern",
            Act::Command => "einen Befehl ausführen",
            Act::Network => "das Netz benutzen",
            Act::Publish => "etwas veröffentlichen oder versenden",
            Act::Spend => "Geld ausgeben",
        };
        format!("{who} möchte {what}.")
    },
    more_than_fits: "Hier steht nicht alles.",
    more_done: |n| format!("{} weitere Aufträge sind fertig", count(n)),
    more_ended: |n, failed| match failed {
        1 => format!("{} weitere Aufträge sind beendet, 1 davon ist fehlgeschlagen", count(n)),
        failed => format!("{} weitere Aufträge sind beendet, {} davon sind fehlgeschlagen", count(n), count(failed)),
    },
    and_more: |n| format!("und {} weitere", count(n)),

    seconds: |s| format!("{s} s"),
    minutes: |m, s| format!("{m} min {s} s"),
    hours: |h, m| format!("{h} h {m} min"),

    open: "Öffnen",
    review: "Ansehen",
    show_all: "Alle zeigen",
    follow_up: "Weiteres Briefing",
    allow: "Erlauben",
    deny: "Ablehnen",
};

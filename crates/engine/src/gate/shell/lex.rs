//! A shell's line taken apart into simple commands, as far as that can be done without running it.

/// Substitutions inside substitutions, at most.
const MAX_DEPTH: usize = 16;
/// Simple commands of a line, at most.
const MAX_COMMANDS: usize = 2_000;

/// A word, with its quotes taken away.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Word {
    /// What is known of it.
    pub text: String,
    /// Whether a part of it is known only when it runs: a variable, a substitution, a pattern.
    pub is_dynamic: bool,
    /// Whether all of it stood without quotes.
    pub is_bare: bool,
}

/// A program with its arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simple {
    /// Assignments, keywords, the program and its arguments, in order.
    pub words: Vec<Word>,
    /// Files that it is redirected to or from, and texts given as its input.
    pub targets: Vec<Word>,
    /// Here-documents: its input.
    pub documents: Vec<String>,
}

/// A line taken apart.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    /// Its simple commands, those of substitutions as well.
    pub commands: Vec<Simple>,
    /// Whether something is in it that this does not follow.
    pub is_odd: bool,
}

/// Takes a line apart; none where no shell would run it, or where it is too deep to follow.
pub(super) fn parse(line: &str) -> Option<Parsed> {
    let mut lexer = Lexer { chars: line.chars().collect(), at: 0, parsed: Parsed::default(), documents: Vec::new() };
    lexer.list(None, 0)?;
    (lexer.at >= lexer.chars.len()).then_some(lexer.parsed)
}

/// A here-document that begins at the next line.
struct Document {
    command: usize,
    end: String,
    strips_tabs: bool,
    is_plain: bool,
}

struct Lexer {
    chars: Vec<char>,
    at: usize,
    parsed: Parsed,
    documents: Vec<Document>,
}

/// What the next word is to a redirection.
enum Redirect {
    Target,
    Document { strips_tabs: bool },
}

impl Lexer {
    fn peek(&self, ahead: usize) -> Option<char> {
        self.chars.get(self.at + ahead).copied()
    }

    fn eat(&mut self, text: &str) -> bool {
        let found = text.chars().enumerate().all(|(ahead, c)| self.peek(ahead) == Some(c));
        if found {
            self.at += text.chars().count();
        }
        found
    }

    /// Commands up to `end`, which is taken, or up to the end of the line.
    fn list(&mut self, end: Option<char>, depth: usize) -> Option<()> {
        if depth > MAX_DEPTH {
            return None;
        }
        let mut command = Simple::default();
        let mut redirect: Option<Redirect> = None;
        let mut waiting = Vec::new();
        loop {
            let Some(c) = self.peek(0) else {
                self.close(&mut command, &mut waiting)?;
                return end.is_none().then_some(());
            };
            match c {
                _ if Some(c) == end => {
                    self.at += 1;
                    return self.close(&mut command, &mut waiting);
                }
                ' ' | '\t' => self.at += 1,
                '\\' if self.peek(1) == Some('\n') => self.at += 2,
                '\n' => {
                    self.at += 1;
                    self.close(&mut command, &mut waiting)?;
                    self.read_documents(depth)?;
                }
                '#' => {
                    while self.peek(0).is_some_and(|c| c != '\n') {
                        self.at += 1;
                    }
                }
                '&' if self.peek(1) == Some('>') => {
                    self.at += 2;
                    self.eat(">");
                    redirect = Some(Redirect::Target);
                }
                ';' | '&' | '|' | '(' => {
                    self.at += 1;
                    self.close(&mut command, &mut waiting)?;
                }
                // The end of a subshell, or of a pattern of `case`.
                ')' => {
                    self.at += 1;
                    self.parsed.is_odd = true;
                    self.close(&mut command, &mut waiting)?;
                }
                '<' | '>' if self.peek(1) == Some('(') => {
                    let mut word = Word::default();
                    self.word(&mut word, depth)?;
                    command.words.push(word);
                }
                '<' | '>' => {
                    let all = ["<<<", "<<-", "<<", "<&", "<>", "<", ">>", ">&", ">|", ">"];
                    let sign = all.into_iter().find(|sign| self.eat(sign))?;
                    redirect = Some(match sign {
                        "<<" | "<<-" => Redirect::Document { strips_tabs: sign == "<<-" },
                        _ => Redirect::Target,
                    });
                }
                _ => {
                    let mut word = Word { is_bare: true, ..Word::default() };
                    self.word(&mut word, depth)?;
                    match redirect.take() {
                        Some(Redirect::Target) => command.targets.push(word),
                        Some(Redirect::Document { strips_tabs }) => waiting.push((word, strips_tabs)),
                        // A number right before a redirection names a stream.
                        None if matches!(self.peek(0), Some('<' | '>')) && is_stream(&word) => {}
                        None => command.words.push(word),
                    }
                }
            }
        }
    }

    /// Ends a simple command.
    fn close(&mut self, command: &mut Simple, waiting: &mut Vec<(Word, bool)>) -> Option<()> {
        let place = self.parsed.commands.len();
        for (end, strips_tabs) in waiting.drain(..) {
            let is_plain = !end.is_bare;
            self.documents.push(Document { command: place, end: end.text, strips_tabs, is_plain });
        }
        if *command != Simple::default() || self.documents.last().is_some_and(|document| document.command == place) {
            self.parsed.commands.push(std::mem::take(command));
        }
        (place < MAX_COMMANDS).then_some(())
    }

    /// Reads the here-documents that begin at this line.
    fn read_documents(&mut self, depth: usize) -> Option<()> {
        for document in std::mem::take(&mut self.documents) {
            let mut text = String::new();
            while self.at < self.chars.len() {
                let line: String = self.chars[self.at..].iter().take_while(|c| **c != '\n').collect();
                self.at = (self.at + line.chars().count() + 1).min(self.chars.len());
                let bare = if document.strips_tabs { line.trim_start_matches('\t') } else { &line };
                if bare == document.end {
                    break;
                }
                text.push_str(bare);
                text.push('\n');
            }
            if !document.is_plain {
                self.inner(&text, depth)?;
            }
            if let Some(command) = self.parsed.commands.get_mut(document.command) {
                command.documents.push(text);
            }
        }
        Some(())
    }

    /// Looks for substitutions in a text that is otherwise taken as it stands.
    fn inner(&mut self, text: &str, depth: usize) -> Option<()> {
        let mut inner =
            Lexer { chars: text.chars().collect(), at: 0, parsed: Parsed::default(), documents: Vec::new() };
        let mut word = Word::default();
        inner.quoted(&mut word, None, depth + 1)?;
        self.parsed.commands.append(&mut inner.parsed.commands);
        self.parsed.is_odd |= inner.parsed.is_odd;
        Some(())
    }

    /// A word, up to a blank or a sign that ends it.
    fn word(&mut self, word: &mut Word, depth: usize) -> Option<()> {
        while let Some(c) = self.peek(0) {
            match c {
                '<' | '>' if word.text.is_empty() && self.peek(1) == Some('(') => {
                    self.at += 2;
                    word.is_dynamic = true;
                    self.list(Some(')'), depth + 1)?;
                }
                ' ' | '\t' | '\n' | ';' | '&' | '|' | '(' | ')' | '<' | '>' => return Some(()),
                '\\' => {
                    word.is_bare = false;
                    match self.peek(1) {
                        Some('\n') => {}
                        Some(c) => word.text.push(c),
                        None => word.text.push('\\'),
                    }
                    self.at = (self.at + 2).min(self.chars.len());
                }
                '\'' => {
                    word.is_bare = false;
                    self.at += 1;
                    self.verbatim(word)?;
                }
                '"' => {
                    word.is_bare = false;
                    self.at += 1;
                    self.quoted(word, Some('"'), depth)?;
                }
                '$' | '`' => self.substitution(word, depth)?,
                '*' | '?' | '[' | '{' => {
                    // A pattern, or several words at once.
                    word.is_dynamic |= c != '{' || self.chars[self.at..].iter().take(200).any(|c| *c == '}');
                    word.text.push(c);
                    self.at += 1;
                }
                c => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
        Some(())
    }

    /// Text up to the next single quote.
    fn verbatim(&mut self, word: &mut Word) -> Option<()> {
        loop {
            let c = self.peek(0)?;
            self.at += 1;
            if c == '\'' {
                return Some(());
            }
            word.text.push(c);
        }
    }

    /// Text up to `end`, with substitutions in it.
    fn quoted(&mut self, word: &mut Word, end: Option<char>, depth: usize) -> Option<()> {
        loop {
            let Some(c) = self.peek(0) else { return end.is_none().then_some(()) };
            match c {
                _ if Some(c) == end => {
                    self.at += 1;
                    return Some(());
                }
                '\\' => {
                    match self.peek(1) {
                        Some('\n') => {}
                        Some(c @ ('$' | '`' | '"' | '\\')) => word.text.push(c),
                        Some(c) => word.text.extend(['\\', c]),
                        None => return None,
                    }
                    self.at += 2;
                }
                '$' | '`' => self.substitution(word, depth)?,
                c => {
                    word.text.push(c);
                    self.at += 1;
                }
            }
        }
    }

    /// What begins with `$`, or stands in backquotes.
    fn substitution(&mut self, word: &mut Word, depth: usize) -> Option<()> {
        word.is_bare = false;
        if self.eat("`") {
            let mut text = String::new();
            loop {
                match self.peek(0)? {
                    '`' => break,
                    '\\' => {
                        text.extend(self.peek(1).filter(|c| matches!(c, '`' | '\\' | '$')).or(Some('\\')));
                        self.at += if matches!(self.peek(1), Some('`' | '\\' | '$')) { 2 } else { 1 };
                    }
                    c => {
                        text.push(c);
                        self.at += 1;
                    }
                }
            }
            self.at += 1;
            word.is_dynamic = true;
            let mut inner =
                Lexer { chars: text.chars().collect(), at: 0, parsed: Parsed::default(), documents: Vec::new() };
            inner.list(None, depth + 1)?;
            self.parsed.commands.append(&mut inner.parsed.commands);
            self.parsed.is_odd |= inner.parsed.is_odd;
            return Some(());
        }
        self.at += 1;
        match self.peek(0) {
            Some('(') => {
                self.at += 1;
                word.is_dynamic = true;
                // Sums stand in double brackets; whatever is in them is looked at as well.
                self.list(Some(')'), depth + 1)
            }
            Some('{') => {
                self.at += 1;
                word.is_dynamic = true;
                let mut inside = Word::default();
                self.quoted(&mut inside, Some('}'), depth + 1)
            }
            Some('\'') => {
                self.at += 1;
                self.escaped(word)
            }
            Some('"') => {
                self.at += 1;
                self.quoted(word, Some('"'), depth)
            }
            Some(c) if c.is_ascii_alphanumeric() || "_@*#?$!-".contains(c) => {
                word.is_dynamic = true;
                self.at += 1;
                if c.is_ascii_alphabetic() || c == '_' {
                    while self.peek(0).is_some_and(|c| c.is_ascii_alphanumeric() || c == '_') {
                        self.at += 1;
                    }
                }
                Some(())
            }
            _ => {
                word.text.push('$');
                Some(())
            }
        }
    }

    /// Text in `$'…'`, with its escapes.
    fn escaped(&mut self, word: &mut Word) -> Option<()> {
        loop {
            let c = self.peek(0)?;
            self.at += 1;
            match c {
                '\'' => return Some(()),
                '\\' => {
                    let c = self.peek(0)?;
                    self.at += 1;
                    let (digits, base, most) = match c {
                        'x' => (0, 16, 2),
                        'u' => (0, 16, 4),
                        'U' => (0, 16, 8),
                        '0'..='7' => (1, 8, 3),
                        'n' => {
                            word.text.push('\n');
                            continue;
                        }
                        't' => {
                            word.text.push('\t');
                            continue;
                        }
                        c => {
                            word.text.push(c);
                            continue;
                        }
                    };
                    self.at -= digits;
                    let mut value = 0u32;
                    for _ in 0..most {
                        let Some(digit) = self.peek(0).and_then(|c| c.to_digit(base)) else { break };
                        value = value.saturating_mul(base).saturating_add(digit);
                        self.at += 1;
                    }
                    word.text.extend(char::from_u32(value));
                }
                c => word.text.push(c),
            }
        }
    }
}

fn is_stream(word: &Word) -> bool {
    word.is_bare && !word.text.is_empty() && word.text.chars().all(|c| c.is_ascii_digit())
}

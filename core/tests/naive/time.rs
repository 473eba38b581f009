//! Times as text, in milliseconds since 1970.

/// RFC 3339, or `YYYY-MM-DDTHH-MM-SS` taken as UTC (FORMAT 4).
pub(super) fn parse_ms(text: &str) -> Option<i64> {
    let (date, clock) = (text.get(..10)?, text.get(11..)?);
    if !matches!(text.as_bytes()[10], b'T' | b't' | b' ') {
        return None;
    }
    let [year, month, day] = numbers(date, '-')?[..] else { return None };
    let (time, rest) = (clock.get(..8)?, clock.get(8..)?);
    let colons = numbers(time, ':');
    let [hour, minute, second] = colons.clone().or_else(|| numbers(time, '-'))?[..] else {
        return None;
    };
    let (fraction_ms, offset_minutes) = match colons {
        Some(_) => zone(rest)?,
        None if rest.is_empty() => (0, 0),
        None => return None,
    };
    if !(1..=12).contains(&month) || !(1..=month_len(year, month)).contains(&day) {
        return None;
    }
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let minutes = (days(year, month, day) * 24 + hour) * 60 + minute - offset_minutes;
    Some((minutes * 60 + second) * 1_000 + fraction_ms)
}

/// What stands behind the seconds: milliseconds, and the zone's minutes.
fn zone(rest: &str) -> Option<(i64, i64)> {
    let digits: String = match rest.strip_prefix('.') {
        Some(rest) => rest.chars().take_while(char::is_ascii_digit).collect(),
        None => String::new(),
    };
    let zone = match rest.strip_prefix('.') {
        Some(_) if digits.is_empty() => return None,
        Some(rest) => &rest[digits.len()..],
        None => rest,
    };
    let ms = format!("{digits}000")[..3].parse().ok()?;
    if zone == "Z" || zone == "z" {
        return Some((ms, 0));
    }
    let [hours, minutes] = numbers(zone.get(1..)?, ':')?[..] else { return None };
    let sign = match &zone[..1] {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    (zone.len() == 6 && hours < 24 && minutes < 60).then_some((ms, sign * (hours * 60 + minutes)))
}

fn numbers(text: &str, separator: char) -> Option<Vec<i64>> {
    let is_number = |part: &str| part.len() >= 2 && part.chars().all(|it| it.is_ascii_digit());
    let parts: Vec<&str> = text.split(separator).collect();
    parts.iter().map(|part| if is_number(part) { part.parse().ok() } else { None }).collect()
}

fn month_len(year: i64, month: i64) -> i64 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Days since 1970, one year and one month after the other.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year_len = |year| if is_leap(year) { 366 } else { 365 };
    let years: i64 = match year >= 1970 {
        true => (1970..year).map(year_len).sum(),
        false => -(year..1970).map(year_len).sum::<i64>(),
    };
    years + (1..month).map(|month| month_len(year, month)).sum::<i64>() + day - 1
}

//! Points in time as logs write them.

/// Milliseconds since 1970 of an RFC 3339 text, or of `YYYY-MM-DDTHH-MM-SS` taken as UTC
/// (FORMAT 4); `None` if it is neither.
#[must_use]
pub fn parse_ms(text: &str) -> Option<i64> {
    let (date, rest) = text.split_once(['T', 't', ' '])?;
    let mut parts = date.splitn(3, '-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, parts.next()?);
    let day = digits(day, 2)?;
    let clock = rest.get(..8)?;
    let separator = clock.get(2..3)?;
    if clock.get(5..6)? != separator {
        return None;
    }
    let hour = digits(clock.get(..2)?, 2)?;
    let minute = digits(clock.get(3..5)?, 2)?;
    let second = digits(clock.get(6..8)?, 2)?;
    let rest = rest.get(8..)?;
    let (nanos_ms, offset_minutes) = match separator {
        "-" if rest.is_empty() => (0, 0),
        ":" => zone(rest)?,
        _ => return None,
    };
    let days = days_since_epoch(year, month, day)?;
    // A leap second counts as the one after it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = ((days * 24 + hour) * 60 + minute - offset_minutes) * 60 + second;
    Some(seconds * 1_000 + nanos_ms)
}

/// Milliseconds and offset in minutes of what follows the seconds: `.123Z`, `+09:00`.
fn zone(text: &str) -> Option<(i64, i64)> {
    let (fraction, zone) = match text.strip_prefix('.') {
        None => ("", text),
        Some(rest) => {
            let len = rest.bytes().take_while(u8::is_ascii_digit).count();
            (rest.get(..len).filter(|digits| !digits.is_empty())?, rest.get(len..)?)
        }
    };
    let millis = fraction.bytes().chain(*b"000").take(3);
    let millis = millis.fold(0, |number, digit| number * 10 + i64::from(digit - b'0'));
    if matches!(zone, "Z" | "z") {
        return Some((millis, 0));
    }
    let sign = match zone.get(..1)? {
        "+" => 1,
        "-" => -1,
        _ => return None,
    };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (digits(hours, 2)?, digits(minutes, 2)?);
    (hours < 24 && minutes < 60).then_some((millis, sign * (hours * 60 + minutes)))
}

fn digits(text: &str, len: usize) -> Option<i64> {
    let fits = text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit());
    fits.then(|| text.parse().ok())?
}

/// Days from 1970-01-01 to a civil date; `None` for a date that is not in the calendar.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let len = match month {
        4 | 6 | 9 | 11 => 30,
        2 if is_leap => 29,
        2 => 28,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=len).contains(&day) {
        return None;
    }
    // Years start in March here, so that the leap day is a year's last.
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    Some(era * 146_097 + day_of_era - 719_468)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling() {
        // `date -u -d ... +%s` gave the numbers.
        for (text, want) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2026-03-01T10:00:00.123Z", 1_772_359_200_123),
            ("2026-03-01T10:00:00.1234567Z", 1_772_359_200_123),
            ("2026-03-01T10:00:00.5Z", 1_772_359_200_500),
            ("2026-03-01T19:00:00+09:00", 1_772_359_200_000),
            ("2026-03-01T05:30:00-04:30", 1_772_359_200_000),
            ("2026-03-01T10-00-00", 1_772_359_200_000),
            ("2000-02-29T23:59:59.999Z", 951_868_799_999),
            ("1969-12-31T23:59:59.000Z", -1_000),
            ("2038-01-19T03:14:08Z", 2_147_483_648_000),
        ] {
            assert_eq!(parse_ms(text), Some(want), "{text}");
        }
        for text in [
            "",
            "yesterday",
            "2026-03-01",
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-03-01T24:00:00Z",
            "2026-03-01T10:00:00",
            "2026-03-01T10-00-00Z",
            "2026-03-01T10:00:00.Z",
            "2026-03-01T10:00:00+9",
            "2026-03-01T1\u{e9}:00:00Z",
        ] {
            assert_eq!(parse_ms(text), None, "{text}");
        }
    }
}

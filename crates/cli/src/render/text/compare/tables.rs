//! The tables of a comparison.
//!
//! *In:* a report. *Out:* its levels, once with everything and once for 80 columns, and a table each for what else was
//! asked: others' times, money, puzzles in parts, the level to choose. Each of those fits 80 columns with three rates.

use crate::render::{
    numbers::{rate, seconds, short, short_seconds, significant},
    table::{Rows, Table},
};
use paydirt_measure::compare::{Answer, AtRate, CompareReport, LevelReport, Rate, Split, Times, Within};

/// Threads that got less than this share of the processor time they asked for were kept waiting.
const STARVED: f64 = 0.95;

/// Rows with their levels named.
fn of_levels(report: &CompareReport) -> Rows<'_, LevelReport> {
    let rows = Rows::of(&report.levels).right("bits", |level| level.bits.to_string());
    match report.levels.iter().any(|level| level.hex_zeros.is_some()) {
        true => rows.right("zeros", |level| {
            or_dash(level.hex_zeros, |zeros| zeros.to_string())
        }),
        false => rows,
    }
}

fn or_dash<T>(figure: Option<T>, text: impl Fn(T) -> String) -> String {
    figure.map_or_else(|| "–".to_owned(), text)
}

/// Of a level that was not run the computed times are shown.
fn times(level: &LevelReport) -> Option<Times> {
    level.time_s.or(level.expected_time_s)
}

/// All there is to say of the levels on this machine.
pub(super) fn levels(report: &CompareReport) -> Table {
    let time = |of: fn(&LevelReport) -> Option<f64>| move |level: &LevelReport| or_dash(of(level), seconds);
    of_levels(report)
        .left("figures", |level| {
            if level.measured { "measured" } else { "computed" }.to_owned()
        })
        .right("expected tries", |level| significant(level.expected_tries))
        .right("mean tries", |level| {
            or_dash(level.tries, |t| significant(t.mean))
        })
        .right("95 % of means", |level| {
            let interval = level
                .tries
                .map(|t| [t.interval_low, t.interval_high].map(significant));
            or_dash(interval, |interval| interval.join(" to "))
        })
        .left("mean is", |level| {
            let inside = level.tries.map(|t| if t.inside { "inside" } else { "OUTSIDE" });
            inside.unwrap_or_default().to_owned()
        })
        .right("expected time", time(|level| Some(level.expected_time_s?.mean)))
        .right("mean time", time(|level| Some(level.time_s?.mean)))
        .right("p50", time(|level| times(level)?.p50))
        .right("p90", time(|level| times(level)?.p90))
        .right("p95", time(|level| times(level)?.p95))
        .right("p99", time(|level| times(level)?.p99))
        .right("rate", |level| or_dash(level.hashes_per_second, rate))
        .right("per CPU s", |level| {
            or_dash(level.hashes_per_processor_second, rate)
        })
        .right("got", got)
        .table()
}

/// The same for 80 columns: tries and times as expected, then as measured.
pub(super) fn narrow_levels(report: &CompareReport) -> Table {
    let time =
        |of: fn(&LevelReport) -> Option<f64>| move |level: &LevelReport| or_dash(of(level), short_seconds);
    let mut columns = of_levels(report)
        .right("tries", |level| short(level.expected_tries))
        .right("mean", |level| {
            or_dash(level.tries, |t| {
                // The mean is marked where luck has no part in it.
                format!("{}{}", short(t.mean), if t.inside { "" } else { " !" })
            })
        })
        .right("time", time(|level| Some(level.expected_time_s?.mean)))
        .right("mean", time(|level| Some(level.time_s?.mean)));
    if report.levels.iter().any(is_busy) {
        columns = columns.right("got", got);
    }
    columns
        .right("p50", time(|level| times(level)?.p50))
        .spare()
        .right("p95", time(|level| times(level)?.p95))
        .right("p99", time(|level| times(level)?.p99))
        .table()
}

fn is_busy(level: &LevelReport) -> bool {
    level.processor_share.is_some_and(|share| share < STARVED)
}

/// The share of the processor time they asked for that a level's threads got, marked where its times are spoilt.
fn got(level: &LevelReport) -> String {
    or_dash(level.processor_share, |share| {
        let mark = if is_busy(level) { " !" } else { "" };
        format!("{:.0} %{mark}", share * 100.0)
    })
}

/// What a busy processor spoilt, and what it did not.
pub(super) fn busy(report: &CompareReport, used: &Rate) -> Option<String> {
    let spoilt = report.levels.iter().filter(|level| is_busy(level)).count();
    let wall = used.wall_hashes_per_second / used.hashes_per_second;
    if spoilt == 0 && wall >= STARVED {
        return None;
    }
    let levels = match spoilt {
        0 => String::new(),
        1 => "; 1 level's measured times (marked ! under `got`) are too long by that".to_owned(),
        many => format!("; the measured times of {many} levels (marked ! under `got`) are too long by that"),
    };
    Some(format!(
        "busy: on the wall it was {}, {:.0} % of it: other programs, or starting and stopping, took the rest{levels}",
        rate(used.wall_hashes_per_second),
        wall * 100.0,
    ))
}

/// What else was asked for, each with its title.
pub(super) fn more(report: &CompareReport) -> Vec<(String, Table)> {
    let mut tables = Vec::new();
    if !report.rates.is_empty() {
        let title = "others, computed: 50 and 95 of 100 puzzles take no longer";
        tables.push((title.to_owned(), others(report)));
    }
    if let Some(puzzles) = Some(report.split).filter(|split| *split > 1) {
        tables.push((
            format!(
                "each level as {puzzles} puzzles of a {} of it, computed: as much work, less luck",
                ordinal(puzzles)
            ),
            split(report),
        ));
    }
    let has_price = |price: &Option<f64>| price.is_some();
    if has_price(&report.price_per_hour) || report.rates.iter().any(|rate| has_price(&rate.price_per_hour)) {
        let title = "prices, computed: solutions an hour, and what a thousand of them cost";
        tables.push((title.to_owned(), prices(report)));
    }
    if let Some(within) = &report.within {
        tables.push((choice_title(within, report.split), choice(within)));
    }
    tables
}

fn ordinal(puzzles: u32) -> String {
    match puzzles {
        2 => "half".to_owned(),
        3 => "third".to_owned(),
        _ => format!("{puzzles}th"),
    }
}

fn others(report: &CompareReport) -> Table {
    let mut columns = of_levels(report);
    for (index, name) in report.rates.iter().map(|rate| &rate.name).enumerate() {
        let at = move |of: fn(&AtRate) -> f64| {
            move |level: &LevelReport| short_seconds(of(&level.at_rates[index]))
        };
        columns = columns
            .right(format!("{name} p50"), at(|at| at.p50_s))
            .spare()
            .right(format!("{name} p95"), at(|at| at.p95_s));
    }
    columns.table()
}

fn split(report: &CompareReport) -> Table {
    let of = |of: fn(Split) -> Option<f64>, text: fn(f64) -> String| {
        move |level: &LevelReport| or_dash(level.split.and_then(of), text)
    };
    let bits = |bits: f64| {
        format!("{:.2}", bits)
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned()
    };
    of_levels(report)
        .right("each", of(|split| Some(split.bits), bits))
        .right("mean", |level| {
            or_dash(level.expected_time_s, |t| short_seconds(t.mean))
        })
        .right("p95 whole", |level| {
            or_dash(level.expected_time_s.and_then(|t| t.p95), short_seconds)
        })
        .right("split", of(|split| split.time_s?.p95, short_seconds))
        .right("p99 whole", |level| {
            or_dash(level.expected_time_s.and_then(|t| t.p99), short_seconds)
        })
        .right("split", of(|split| split.time_s?.p99, short_seconds))
        .right(
            "p99/mean",
            of(|split| Some(split.p99_in_means), |means| format!("{means:.2}")),
        )
        .table()
}

fn prices(report: &CompareReport) -> Table {
    let mut columns = of_levels(report);
    if report.price_per_hour.is_some() {
        columns = columns
            .right("an hour", |level| or_dash(level.solutions_per_hour, short))
            .right("1000 cost", |level| or_dash(level.cost_of_1000, money));
    }
    for (index, rate) in report.rates.iter().enumerate() {
        if rate.price_per_hour.is_some() {
            columns = columns
                .right(format!("{} an hour", rate.name), move |level| {
                    short(level.at_rates[index].solutions_per_hour)
                })
                .right("1000 cost", move |level| {
                    or_dash(level.at_rates[index].cost_of_1000, money)
                });
        }
    }
    columns.table()
}

/// An amount in eight columns at most: two decimals, and three digits where those would show nothing.
fn money(amount: f64) -> String {
    match amount {
        a if a >= 1e6 => short(a),
        a if a >= 0.995 => format!("{a:.2}"),
        a if a >= 1e-4 => significant(a),
        a => format!("{a:.2e}"),
    }
}

/// A share as so many of a hundred, without what a float's last digits add.
fn percent(share: f64) -> f64 {
    (share * 1e12).round() / 1e10
}

fn choice_title(within: &Within, split: u32) -> String {
    let when = format!(
        "within {} in {} % of cases{}, computed",
        seconds(within.seconds),
        percent(within.quantile),
        match split {
            1 => String::new(),
            puzzles => format!(", as {puzzles} puzzles"),
        }
    );
    let Some(chosen) = &within.chosen else {
        return format!("{when}: there is no level that all of them solve");
    };
    let level = match chosen.hex_zeros {
        Some(zeros) => format!("{zeros} hex zeros"),
        None => format!("{} bits", chosen.bits),
    };
    if chosen.weakest == chosen.strongest {
        return format!("{when}: {level} at most");
    }
    let strongest = within
        .answers
        .iter()
        .find(|answer| answer.name == chosen.strongest);
    let cost = strongest.and_then(|answer| answer.at_chosen).map(|at| {
        let price = at
            .cost_of_1000
            .map(|cost| format!(", a thousand for {}", money(cost)));
        format!(
            "{} an hour{}",
            short(at.solutions_per_hour),
            price.unwrap_or_default()
        )
    });
    format!(
        "{when}: {level} is the hardest that {}, the weakest, solves; {}, the strongest, solves {}",
        chosen.weakest,
        chosen.strongest,
        cost.unwrap_or_default()
    )
}

/// One row for each rate, the weakest first: what it solves in time, and what the chosen level takes it.
fn choice(within: &Within) -> Table {
    let mut answers: Vec<&Answer> = within.answers.iter().collect();
    answers.sort_by(|a, b| a.hashes_per_second.total_cmp(&b.hashes_per_second));
    let columns = Rows::of(&answers)
        .left("who", |answer| answer.name.clone())
        .right("rate", |answer| rate(answer.hashes_per_second))
        .right("bits", |answer| {
            // Rounded down: it must still be solved in time.
            or_dash(answer.bits, |bits| {
                format!("{:.2}", (bits * 100.0).floor() / 100.0)
            })
        })
        .right("zeros", |answer| {
            or_dash(answer.hex_zeros, |zeros| zeros.to_string())
        });
    let Some(chosen) = &within.chosen else {
        return columns.table();
    };
    let has_price = |answer: &&Answer| answer.at_chosen.is_some_and(|at| at.cost_of_1000.is_some());
    let columns = columns
        .right(format!("at {}: mean", chosen.bits), |answer| {
            or_dash(answer.at_chosen, |at| short_seconds(at.mean_s))
        })
        .right(format!("p{}", percent(within.quantile)), |answer| {
            or_dash(answer.at_chosen, |at| short_seconds(at.quantile_s))
        })
        .right("an hour", |answer| {
            or_dash(answer.at_chosen, |at| short(at.solutions_per_hour))
        });
    match answers.iter().any(has_price) {
        true => columns
            .right("1000 cost", |answer| {
                or_dash(answer.at_chosen.and_then(|at| at.cost_of_1000), money)
            })
            .table(),
        false => columns.table(),
    }
}

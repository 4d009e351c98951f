use super::*;

fn rng(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

#[test]
fn summaries_of_small_sets() {
    assert_eq!(Summary::of(&[]), None);
    let one = Summary::of(&[3.0]).unwrap();
    assert_eq!(
        (one.median, one.mean, one.min, one.max, one.mad),
        (3.0, 3.0, 3.0, 3.0, 0.0)
    );
    assert_eq!(
        one.standard_deviation, None,
        "a single sample has no scatter to speak of"
    );
    let four = Summary::of(&[4.0, 1.0, 10.0, 3.0]).unwrap();
    assert_eq!(
        (four.median, four.mean, four.min, four.max),
        (3.5, 4.5, 1.0, 10.0)
    );
    assert_eq!(four.mad, 1.5, "of the deviations 0.5, 2.5, 6.5, 0.5");
    assert_eq!(
        four.standard_deviation,
        Some(15f64.sqrt()),
        "(0.25 + 12.25 + 30.25 + 2.25) / 3"
    );
}

#[test]
fn quantiles_are_samples_and_need_enough_of_them() {
    let hundred: Vec<f64> = (1..=100).rev().map(f64::from).collect();
    assert_eq!(quantile(&hundred, 0.5), Some(50.0));
    assert_eq!(quantile(&hundred, 0.9), Some(90.0));
    assert_eq!(quantile(&hundred, 0.99), Some(99.0));
    assert_eq!(quantile(&hundred[..99], 0.99), None);
    assert_eq!(quantile(&hundred[..10], 0.9), Some(99.0));
    assert_eq!(quantile(&[], 0.5), None);
}

#[test]
fn a_clear_change_is_seen_and_its_interval_holds_it() {
    let before = [99.0, 100.0, 101.0, 100.5, 99.5, 100.2, 99.8, 100.1, 99.9, 100.0];
    let after: Vec<f64> = before.iter().map(|rate| rate * 1.05).collect();
    let up = change(&before, &after).unwrap();
    let (low, high) = (up.low_percent.unwrap(), up.high_percent.unwrap());
    assert_eq!(up.verdict, Verdict::Faster);
    assert!((up.percent - 5.0).abs() < 1e-10 && low < 5.0 && 5.0 < high);
    let down = change(&after, &before).unwrap();
    assert_eq!(down.verdict, Verdict::Slower);
    assert_eq!(
        change(&before, &before).unwrap().verdict,
        Verdict::NoDifferenceSeen
    );
    assert_eq!(
        change(&before, &after),
        change(&before, &after),
        "the same samples, the same interval"
    );
}

#[test]
fn a_few_samples_settle_nothing() {
    let few = change(&[1.0, 1.0, 1.0, 1.0], &[2.0; 9]).unwrap();
    assert_eq!(
        (few.verdict, few.low_percent, few.high_percent),
        (Verdict::TooFewSamples, None, None)
    );
    assert_eq!(change(&[], &[1.0]), None);
    assert_eq!(change(&[0.0], &[1.0]), None);
}

#[test]
fn equal_rates_are_seldom_called_different() {
    let mut rng = rng(1);
    // The sum of twelve uniforms: a bell of σ = 1, here 1 % of the rate.
    let mut run = || -> Vec<f64> {
        (0..10)
            .map(|_| 94.0 + (0..12).map(|_| rng.random::<f64>()).sum::<f64>())
            .collect()
    };
    let wrong = (0..200)
        .filter(|_| change(&run(), &run()).unwrap().verdict != Verdict::NoDifferenceSeen)
        .count();
    assert!(wrong <= 20, "{wrong} of 200, 10 are to be expected at 95 %");
}

#[test]
fn anderson_darling_has_its_exact_distribution() {
    // Summed from the exact series of Anderson and Darling, "A Test of Goodness of Fit" (1954).
    for (a_squared, level) in [
        (1.248, 0.750049),
        (1.610, 0.847742),
        (1.933, 0.900005),
        (2.492, 0.949978),
        (3.070, 0.974782),
        (3.880, 0.990021),
        (6.0, 0.999033),
    ] {
        assert!(
            (limit_distribution(a_squared) - level).abs() < 2e-5,
            "{a_squared}"
        );
    }
    assert!(1.0 - limit_distribution(9.0) < 1e-4);
    assert_eq!(
        limit_distribution(12.0),
        limit_distribution(1e6),
        "no wrong turns far out"
    );
}

#[test]
fn p_values_of_uniform_numbers_are_themselves_uniform() {
    let mut rng = rng(2);
    for count in [1, 5, 50, 1000] {
        let p_values: Vec<f64> = (0..1000)
            .map(|_| {
                let numbers: Vec<f64> = (0..count).map(|_| rng.random()).collect();
                anderson_darling(&numbers).unwrap().p_value
            })
            .collect();
        for level in [0.01, 0.05, 0.5, 0.9] {
            let below = p_values.iter().filter(|p| **p < level).count() as f64;
            let spread = (1000.0 * level * (1.0 - level)).sqrt();
            assert!(
                (below - 1000.0 * level).abs() < 4.0 * spread,
                "{count} numbers, level {level}: {below}"
            );
        }
    }
}

#[test]
fn numbers_that_lean_to_one_side_are_found_out() {
    let mut rng = rng(3);
    let squared: Vec<f64> = (0..200).map(|_| rng.random::<f64>().powi(2)).collect();
    let fit = anderson_darling(&squared).unwrap();
    assert_eq!((fit.p_value, fit.count), (LOWEST_P_VALUE, 200));
    let edges = anderson_darling(&[0.0, 1.0]).unwrap();
    assert!(edges.statistic.is_finite() && edges.p_value < 0.01);
    assert_eq!(anderson_darling(&[]), None);
}

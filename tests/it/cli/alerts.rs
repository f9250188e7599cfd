//! The alerts in `examples/`: each names only metrics and labels that the binary exposes. `.ci/metrics` tests when they fire.

use std::collections::BTreeSet;

use super::metrics::{samples, serve};
use crate::support::{Api, PRODUCTION_SECRET, TestDir};

const ALERTS: &str = include_str!("../../../examples/prometheus-alerts.yml");
const PAGE: &str = include_str!("../../../docs/monitoring.md");

/// The expressions of the alerts, each as one text.
fn expressions() -> Vec<String> {
    let rules = ALERTS.split("- alert: ").skip(1);
    let expression = |rule: &str| {
        let (_, rest) = rule.split_once("expr:").unwrap();
        let end = ["\n        for:", "\n        labels:"]
            .iter()
            .filter_map(|next| rest.find(next))
            .min();
        rest[..end.unwrap()].to_owned()
    };
    rules.map(expression).collect()
}

/// The words of a text that begin with one of the prefixes of our metrics.
fn metric_names(text: &str) -> BTreeSet<String> {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let words = text.split(|c| !is_word(c));
    let is_metric = |word: &&str| word.starts_with("llavero_") || word.starts_with("process_");
    words.filter(is_metric).map(str::to_owned).collect()
}

#[test]
fn alerts_have_a_severity_and_a_runbook_and_are_on_the_page() {
    let rules: Vec<_> = ALERTS.split("- alert: ").skip(1).collect();
    assert_eq!(PAGE.matches("\n| `Llavero").count(), rules.len());
    for rule in rules {
        let (name, rest) = rule.split_once('\n').unwrap();
        let severity = ["critical", "warning"]
            .into_iter()
            .find(|severity| rest.contains(&format!("severity: {severity}\n")));
        let row = format!("| `{name}` | {} |", severity.unwrap());
        assert!(PAGE.contains(&row), "{row}");
        assert!(
            rest.contains(" summary: ") && rest.contains(" runbook: "),
            "{name}"
        );
    }
}

#[test]
fn alerts_name_metrics_that_the_binary_exposes() {
    let expressions = expressions();
    assert_eq!(expressions.len(), ALERTS.matches("- alert:").count());
    let home = TestDir::new();
    let (server, url) = serve(&home);
    Api::with_key(&server.api, PRODUCTION_SECRET).validate("");
    Api::with_key(&server.api, "unknown").validate("");
    let samples = samples(&url);
    let exposed: BTreeSet<_> = samples
        .keys()
        .map(|sample| sample.split('{').next().unwrap())
        .collect();
    let mut total = 0;
    for expression in &expressions {
        let names = metric_names(expression);
        // Prometheus itself makes the metric `up`.
        assert!(
            !names.is_empty() || expression.contains("up{"),
            "{expression}"
        );
        for name in &names {
            let is_of_linux = name.starts_with("process_") && !cfg!(target_os = "linux");
            assert!(is_of_linux || exposed.contains(name.as_str()), "{name}");
        }
        total += names.len();
    }
    assert!(total > 10, "{expressions:?}");
    let unknown = "llavero_validations_total{outcome=\"unknown\"}";
    assert_eq!(samples[unknown], "1");
    assert_eq!(samples["llavero_ready"], "1");
    server.stop();
}

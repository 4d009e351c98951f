//! What is a template, and what is refused.

use serde_json::{Value, json};

use super::*;

#[path = "../../../tests/node/mod.rs"]
mod node;

fn read(changes: Value) -> Result<Template, String> {
    Template::from_json(node::template(500, &changes).to_string().as_bytes())
}

fn problem(changes: Value) -> String {
    read(changes).unwrap_err()
}

#[test]
fn bitcoin_cores_template() {
    let template = read(json!({})).unwrap();
    assert_eq!(
        (template.height, template.transactions(), template.value),
        (500, 0, 5_000_000_000)
    );
    assert_eq!(hex::encode(template.previous), format!("f301{}", "0".repeat(60)));
    assert_eq!((template.version, template.nbits), (0x2000_0000, 0x207f_ffff));
    assert_eq!(template.target, Target::from_nbits(0x207f_ffff).unwrap());
    assert_eq!((template.time, template.time_slack_s), (1_700_000_500, 7200));
    assert!(template.is_segwit && template.workid.is_none());
    assert_eq!(template.nonces.unwrap().count(), 1 << 32);
}

#[test]
fn times_are_the_nodes() {
    let times = |changes| {
        let template = read(changes).unwrap();
        (template.time, template.time_slack_s)
    };
    assert_eq!(times(json!({ "curtime": 5, "mintime": 9 })), (9, 7196));
    assert_eq!(
        times(json!({ "curtime": 5, "mintime": null, "maxtime": 15 })),
        (5, 10)
    );
    assert_eq!(
        times(json!({ "curtime": 5, "mintime": 1, "mutable": ["transactions"] })),
        (5, 0)
    );
    assert_eq!(
        times(json!({ "curtime": 5, "mintime": 1, "mutable": null })),
        (5, 0)
    );
    assert_eq!(
        times(json!({ "curtime": 5, "mintime": 1, "mutable": ["time/increment"] })),
        (5, 7200)
    );
    assert_eq!(times(json!({ "curtime": u32::MAX, "mintime": 1 })), (u32::MAX, 0));
    // What cannot be both stays at the least that is allowed.
    assert_eq!(times(json!({ "curtime": 5, "mintime": 10_000 })), (10_000, 0));
}

#[test]
fn what_is_missing_and_what_need_not_be_there() {
    for field in [
        "target",
        "mintime",
        "mutable",
        "noncerange",
        "coinbaseaux",
        "longpollid",
        "default_witness_commitment",
        "rules",
        "vbavailable",
        "capabilities",
        "sizelimit",
    ] {
        assert!(read(json!({ field: null })).is_ok(), "{field}");
    }
    for field in [
        "version",
        "previousblockhash",
        "transactions",
        "bits",
        "curtime",
        "height",
        "coinbasevalue",
    ] {
        assert!(problem(json!({ field: null })).contains(field), "{field}");
    }
}

#[test]
fn what_cannot_be() {
    for (changes, named) in [
        (json!({ "bits": "207fff" }), "bits"),
        (json!({ "bits": "00000000", "target": null }), "bits"),
        (json!({ "target": "7f" }), "target"),
        (json!({ "previousblockhash": "00" }), "previousblockhash"),
        (json!({ "version": 1u64 << 32 }), "version"),
        (json!({ "version": "1" }), "expected i64"),
        (json!({ "height": -1 }), "expected u32"),
        (json!({ "curtime": 1u64 << 32 }), "expected u32"),
        (json!({ "coinbasevalue": 0.5 }), "expected u64"),
        (json!({ "coinbaseaux": { "flags": "x" } }), "coinbaseaux"),
        (json!({ "coinbaseaux": { "flags": 5 } }), "coinbaseaux"),
        (
            json!({ "default_witness_commitment": "zz" }),
            "default_witness_commitment",
        ),
        (json!({ "noncerange": "ffffffff00000000" }), "noncerange"),
        (json!({ "noncerange": "00" }), "noncerange"),
        (
            json!({ "transactions": [{ "data": "xyz" }] }),
            "transactions[0].data",
        ),
        (
            json!({ "transactions": [{ "data": "00" }] }),
            "transactions[0].data",
        ),
        (
            json!({ "transactions": [{ "data": "", "txid": "00", "hash": "00" }] }),
            "transactions[0].txid",
        ),
        (json!({ "transactions": [5] }), "invalid type"),
        (json!({ "rules": ["!segwit", "!oblivion"] }), "oblivion"),
        (json!({ "signet_challenge": "5121" }), "must be signed"),
    ] {
        let problem = problem(changes.clone());
        assert!(problem.contains(named), "{changes}: {problem}");
    }
    for bad in ["", "{", "null", "[]", "5", "\"x\""] {
        assert!(Template::from_json(bad.as_bytes()).is_err(), "{bad}");
    }
}

#[test]
fn what_will_not_mend_itself() {
    let lasting = |changes| {
        let said = serde_json::from_value(node::template(500, &changes)).unwrap();
        Template::check(said).unwrap_err().is_lasting()
    };
    assert!(lasting(json!({ "rules": ["!oblivion"] })));
    assert!(lasting(json!({ "signet_challenge": "5121" })));
    assert!(!lasting(json!({ "bits": "" })));
    assert!(read(json!({ "signet_challenge": "51", "rules": ["!segwit", "!signet"] })).is_ok());
}

/// As before BIP 145: only the data and a hash.
#[test]
fn ids_that_are_missing_are_calculated() {
    // The first transaction between two people, in block 170.
    let data = "0100000001c997a5e56e104102fa209c6a852dd90660a20b2d9c352423edce25857fcd3704000000004847304402204e45e16932b8af\
                514961a1d3a1a25fdf3f4f7732e9d624c6c61548ab5fb8cd410220181522ec8eca07de4860a4acdd12909d831cc56cbbac4622082221a\
                8768d1d0901ffffffff0200ca9a3b00000000434104ae1a62fe09c5f51b13905f07f06b99a2f7159b2225f374cd378d71302fa28414e\
                7aab37397f554a7df5f142c21c1b7303b8a0626f1baded5c72a704f7e6cd84cac00286bee0000000043410411db93e1dcdb8a016b4984\
                0f8c53bc1eb68a382e97b1482ecad7b148a6909a5cb2e0eaddfb84ccf9744464f82e160bfa9b8b64f9d4c03f999b8643f656b412a3ac\
                00000000";
    let template = read(json!({ "transactions": [{ "data": data }] })).unwrap();
    let id = shown("f4184fc596403b9d638783cf57adfe4c75c605f6356fbc91338530e9831e9e16").unwrap();
    assert_eq!(
        (template.transactions[0].txid, template.transactions[0].wtxid),
        (id, id)
    );
    let given = json!([{ "data": data, "txid": "11".repeat(32), "hash": "22".repeat(32) }]);
    let template = read(json!({ "transactions": given })).unwrap();
    assert_eq!(
        (template.transactions[0].txid, template.transactions[0].wtxid),
        ([0x11; 32], [0x22; 32])
    );
}

#[test]
fn the_request_names_the_rules() {
    let asked = |chain, id| serde_json::to_value(Request::new(chain, id)).unwrap();
    assert_eq!(asked(Some("regtest"), None)["rules"], json!(["segwit"]));
    assert_eq!(asked(Some("signet"), None)["rules"], json!(["segwit", "signet"]));
    assert_eq!(asked(None, None)["rules"], json!(["segwit", "signet"]));
    assert_eq!(asked(Some("main"), None).get("longpollid"), None);
    assert_eq!(asked(Some("main"), Some("x"))["longpollid"], "x");
}

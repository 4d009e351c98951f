//! Proof of work for a Nostr note (NIP-13): find the nonce tag that gives an event's id N leading zero bits.
//!
//! An event's id is the SHA-256 of its JSON serialisation (NIP-01), and the nonce is the second entry of a tag in it: a
//! JSON template. First the NIP's own example is checked, nonce and id; then the same note is mined again, to the same
//! commitment, and its lowest nonce comes out.
//!
//! `cargo run --release --example nostr`, or for a note of your own: `… --example nostr -- 24 < event.json`, which
//! prints the event with its tag and id, ready to be signed.

use std::{error::Error, io::Read as _};

use paydirt::{ByteOrder, Digest, Goal, Miner, NonceEncoding, Puzzle, Search, Solution, Target, Template};
use serde_json::{Value, json};

/// NIP-13, "Example mined note", without its signature.
const EXAMPLE: &str = r#"{
    "id": "000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358",
    "pubkey": "a48380f4cfcc1ad5378294fcac36439770f9c878dd880ffa94bb74ea54a6f243",
    "created_at": 1651794653,
    "kind": 1,
    "tags": [["nonce", "776797", "20"]],
    "content": "It's just me mining my own business"
}"#;

fn main() -> Result<(), Box<dyn Error>> {
    match std::env::args().nth(1) {
        None => check_the_example(),
        Some(bits) => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text)?;
            let event = mine(serde_json::from_str(&text)?, bits.parse()?)?;
            println!("{event}");
            Ok(())
        }
    }
}

fn check_the_example() -> Result<(), Box<dyn Error>> {
    let event: Value = serde_json::from_str(EXAMPLE)?;
    let tag = &event["tags"][0];
    let (nonce, bits) = (text(&tag[1])?.parse()?, text(&tag[2])?.parse()?);

    let puzzle = puzzle(&event, bits)?;
    let solution = Solution::check(&puzzle, nonce)?;
    let id = solution.hash().display(puzzle.byte_order());
    println!("NIP-13's example: nonce {nonce}, id {id}");
    println!(
        "                  commits to {bits} bits, has {}",
        leading_zero_bits(&id)
    );
    assert_eq!(id, text(&event["id"])?);

    let mined = mine(event, bits)?;
    println!(
        "mined again:      nonce {}, id {}",
        text(&mined["tags"][0][1])?,
        text(&mined["id"])?
    );
    assert!(leading_zero_bits(text(&mined["id"])?) >= bits);
    assert!(
        text(&mined["tags"][0][1])?.parse::<u64>()? <= nonce,
        "the lowest there is"
    );
    Ok(())
}

/// The event with the lowest nonce whose id has `bits` leading zero bits.
fn mine(mut event: Value, bits: u32) -> Result<Value, Box<dyn Error>> {
    let puzzle = puzzle(&event, bits)?;
    let outcome = Miner::new().mine(&Search::new(&puzzle));
    let solution = outcome.solutions.first().ok_or("no nonce of 64 bits is enough")?;
    event["tags"] = tags(&event, &solution.nonce().to_string(), bits)?;
    event["id"] = json!(solution.hash().display(puzzle.byte_order()));
    Ok(event)
}

/// The event's serialisation around the nonce, and the id wanted of it.
fn puzzle(event: &Value, bits: u32) -> Result<Puzzle, Box<dyn Error>> {
    // The serialisation is written with a nonce that stands nowhere else in it, and cut there: whatever the note says,
    // its own text is never taken for the nonce's place.
    let whole = serialise(event, "", bits)?;
    let marker = (0u64..)
        .map(|number| format!("#{number}#"))
        .find(|marker| !whole.contains(marker.as_str()))
        .expect("a finite text does not contain them all");
    let whole = serialise(event, &marker, bits)?;
    let (prefix, suffix) = whole.split_once(&marker).ok_or("the marker is in it")?;
    Ok(Puzzle::new(
        Template::new(prefix, suffix),
        NonceEncoding::Decimal,
        Digest::Sha256,
        ByteOrder::Big,
        Goal::at_most(Target::from_leading_zero_bits(bits.into())?),
    ))
}

/// NIP-01: `[0, pubkey, created_at, kind, tags, content]`, without spaces, as UTF-8.
fn serialise(event: &Value, nonce: &str, bits: u32) -> Result<String, Box<dyn Error>> {
    let parts = [
        &json!(0),
        &event["pubkey"],
        &event["created_at"],
        &event["kind"],
        &tags(event, nonce, bits)?,
        &event["content"],
    ];
    if let Some(missing) = parts.iter().position(|part| part.is_null()) {
        let name = ["", "pubkey", "created_at", "kind", "tags", "content"][missing];
        return Err(format!("the event has no {name}").into());
    }
    Ok(serde_json::to_string(&parts)?)
}

/// The event's tags with this nonce tag, in the place of the one it has, or at the end.
fn tags(event: &Value, nonce: &str, bits: u32) -> Result<Value, Box<dyn Error>> {
    let mut tags = event["tags"].as_array().cloned().ok_or("the event has no tags")?;
    let tag = json!(["nonce", nonce, bits.to_string()]);
    match tags.iter_mut().find(|tag| tag[0] == "nonce") {
        Some(place) => *place = tag,
        None => tags.push(tag),
    }
    Ok(Value::Array(tags))
}

fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| format!("{value} is not text"))
}

fn leading_zero_bits(hex: &str) -> u32 {
    let zeros = hex.chars().take_while(|digit| *digit == '0').count() as u32;
    let next = hex
        .chars()
        .nth(zeros as usize)
        .and_then(|digit| digit.to_digit(16));
    zeros * 4 + next.map_or(0, |digit| digit.leading_zeros() - 28)
}

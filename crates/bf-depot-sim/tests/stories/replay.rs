//! A recorded drive, replayed.

use bf_depot_sim::{Account, Recording, Scenario};
use serde_json::{Value, json};

use crate::stage::{Stage, reading, time_of};

const DRIVE: &str = "\
time,energy,gps,odo,speed,soc
1511436338000,53.2,52.09|5.11,88526.413,0,72.8
1511436348000,,52.10|5.12,88526.5,,72.6
1511436358000,53.4,,88526.7,8,
,53.5,52.11|5.13,,9,72.4
1511436398000,53.6,52.12|5.14,88526.9,12,
1511436458000,,52.13|5.15,88527.1,,
";

fn replaying(speed: f64) -> Stage {
    let recording = Recording::parse(DRIVE).expect("a recording");
    Stage::with_scenario(
        Scenario::default().with(Account::replay("replay", recording)),
        speed,
    )
}

async fn vehicle(stage: &Stage) -> Value {
    stage.poll("replay", "").await.json()["vehicles"][0].clone()
}

fn error(table: &str) -> String {
    Recording::parse(table)
        .expect_err("no recording")
        .to_string()
}

#[tokio::test]
async fn the_end_is_the_last_non_empty_cell_of_each_column_with_its_own_time() {
    let stage = replaying(10.0);
    stage.advance_seconds(3_600);
    let expected = json!({"vehicles": [{"id": "replay-1", "signals": [
        {"name": "state_of_charge_percent", "value": 72.4, "time": "2026-11-23T08:00:02Z"},
        {"name": "energy_used_kwh", "value": 53.6, "time": "2026-11-23T08:00:06Z"},
        {"name": "odometer_km", "value": 88527.1, "time": "2026-11-23T08:00:12Z"},
        {"name": "speed_kmh", "value": 12.0, "time": "2026-11-23T08:00:06Z"},
        {"name": "position", "value": {"latitude_deg": 52.13, "longitude_deg": 5.15}, "time": "2026-11-23T08:00:12Z"},
    ]}], "next_page_token": null});
    assert_eq!(stage.poll("replay", "").await.json(), expected);
    stage.advance_seconds(86_400);
    assert_eq!(stage.poll("replay", "").await.json(), expected);
}

#[tokio::test]
async fn an_empty_cell_leaves_the_reading_before_it() {
    let stage = replaying(1.0);
    stage.advance_seconds(10);
    let vehicle = vehicle(&stage).await;
    assert_eq!(
        reading(&vehicle, "state_of_charge_percent").expect("read")["value"],
        72.6
    );
    assert_eq!(
        reading(&vehicle, "energy_used_kwh").expect("read")["value"],
        53.2
    );
    assert_eq!(
        stage.clock.now() - time_of(&vehicle, "position"),
        chrono::TimeDelta::zero()
    );
    assert_eq!(
        stage.clock.now() - time_of(&vehicle, "speed_kmh"),
        chrono::TimeDelta::seconds(10)
    );
}

#[tokio::test]
async fn a_row_is_not_emitted_before_its_time() {
    let stage = replaying(1.0);
    stage.advance_seconds(9);
    assert_eq!(
        reading(&vehicle(&stage).await, "odometer_km").expect("read")["value"],
        88_526.413
    );
    stage.advance_seconds(1);
    assert_eq!(
        reading(&vehicle(&stage).await, "odometer_km").expect("read")["value"],
        88_526.5
    );
}

#[tokio::test]
async fn a_replay_begins_when_its_account_is_added() {
    let stage = Stage::with_scenario(Scenario::default(), 1.0);
    stage.advance_seconds(3_600);
    let recording = Recording::parse(DRIVE).expect("a recording");
    stage
        .simulator
        .put_account(Account::replay("replay", recording));
    assert_eq!(
        time_of(&vehicle(&stage).await, "speed_kmh"),
        stage.clock.now()
    );
}

#[test]
fn columns_are_found_by_name_and_only_the_time_is_needed() {
    assert!(Recording::parse("soc,note,time\n50,hello,1511436338000\n").is_ok());
    assert_eq!(
        error("soc,odo\n50,1\n"),
        "line 1: there is no column `time`"
    );
    assert_eq!(error(""), "line 1: there is no column `time`");
    assert_eq!(error("time,soc\n,50\n"), "there is no line with a time");
}

#[test]
fn what_cannot_be_read_is_named_by_line_and_column() {
    assert_eq!(
        error("time,soc\n1511436338000,50\n1511436339000,half\n"),
        "line 3, column `soc`: `half` is not a number"
    );
    assert_eq!(
        error("time,soc\n1511436338000,NaN\n"),
        "line 2, column `soc`: `NaN` is not a number"
    );
    assert_eq!(
        error("time,gps\n1511436338000,52.1\n"),
        "line 2, column `gps`: `52.1` is not `latitude|longitude`"
    );
    assert_eq!(
        error("time,soc\r\nnoon,50\r\n"),
        "line 2, column `time`: `noon` is not milliseconds since the epoch"
    );
    assert_eq!(
        error("time,soc\n1511436339000,50\n\n1511436338000,51\n"),
        "line 4, column `time`: the time is earlier than that of a line above"
    );
    assert_eq!(
        error("time,soc\r\n\r\n1511436339000,50\r\n\r\n1511436340000,?\r\n"),
        "line 5, column `soc`: `?` is not a number"
    );
}

#[test]
fn a_row_of_another_length_is_named_by_its_line() {
    assert_eq!(
        error("time,soc\n1511436338000\n"),
        "line 2: 1 cells where the header has 2"
    );
}

#[test]
fn a_table_from_a_spreadsheet_is_read_too() {
    let table = "\u{feff}time, soc\r\n\"1511436338000\", 50\r\n\r\n1511436339000,\r\n";
    assert!(Recording::parse(table).is_ok());
}

#[test]
fn a_missing_file_says_so() {
    let error = Recording::load("no-such-drive.csv".as_ref()).expect_err("no file");
    assert_eq!(error.to_string(), "cannot read the file");
}

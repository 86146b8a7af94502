CREATE TABLE audit (
    seq INTEGER NOT NULL,
    at DATETIME NOT NULL,
    actor VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    action VARCHAR NOT NULL,
    object VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    detail JSON NOT NULL,
    previous VARCHAR(64) NOT NULL,
    hash VARCHAR(64) NOT NULL,
    CONSTRAINT pk_audit PRIMARY KEY (seq),
    CONSTRAINT ck_audit_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE centre (
    id VARCHAR(40) NOT NULL,
    name VARCHAR NOT NULL,
    zone VARCHAR NOT NULL,
    CONSTRAINT pk_centre PRIMARY KEY (id)
);

CREATE TABLE raw_file (
    sha256 VARCHAR(64) NOT NULL,
    bytes BIGINT NOT NULL CONSTRAINT ck_raw_file_bytes_positive CHECK (bytes >= 0),
    stored_at DATETIME NOT NULL,
    origin VARCHAR NOT NULL,
    CONSTRAINT pk_raw_file PRIMARY KEY (sha256),
    CONSTRAINT ck_raw_file_stored_at_finite CHECK (stored_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE setting (
    "key" VARCHAR NOT NULL,
    value JSON NOT NULL,
    CONSTRAINT pk_setting PRIMARY KEY ("key")
);

CREATE TABLE acceptance (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    driver VARCHAR NOT NULL,
    driver_version VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    person VARCHAR NOT NULL,
    note TEXT NOT NULL,
    at DATETIME NOT NULL,
    revoked_at DATETIME,
    CONSTRAINT pk_acceptance PRIMARY KEY (id),
    CONSTRAINT fk_acceptance_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT ck_acceptance_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_acceptance_revoked_at_finite CHECK (revoked_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE patient (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    sex VARCHAR CONSTRAINT ck_patient_known_sex CHECK (sex IN ('female','male')),
    birth_year INTEGER CONSTRAINT ck_patient_birth_year_range CHECK (birth_year BETWEEN 1880 AND 2200),
    test BOOLEAN NOT NULL,
    merged_into VARCHAR(40),
    created_at DATETIME NOT NULL,
    CONSTRAINT pk_patient PRIMARY KEY (id),
    CONSTRAINT fk_patient_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_patient_merged_into_patient FOREIGN KEY(merged_into) REFERENCES patient (id),
    CONSTRAINT ck_patient_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE snapshot (
    name VARCHAR NOT NULL,
    centre VARCHAR(40) NOT NULL,
    created_at DATETIME NOT NULL,
    as_of DATETIME NOT NULL,
    asked JSON NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    actor VARCHAR NOT NULL,
    CONSTRAINT pk_snapshot PRIMARY KEY (name),
    CONSTRAINT fk_snapshot_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT ck_snapshot_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_snapshot_as_of_finite CHECK (as_of BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE source (
    sha256 VARCHAR(64) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    bytes BIGINT NOT NULL CONSTRAINT ck_source_bytes_positive CHECK (bytes >= 0),
    first_seen DATETIME NOT NULL,
    CONSTRAINT pk_source PRIMARY KEY (sha256),
    CONSTRAINT fk_source_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT ck_source_first_seen_finite CHECK (first_seen BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE ward (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    name VARCHAR NOT NULL,
    CONSTRAINT pk_ward PRIMARY KEY (id),
    CONSTRAINT uq_ward_centre_name UNIQUE (centre, name),
    CONSTRAINT fk_ward_centre_centre FOREIGN KEY(centre) REFERENCES centre (id)
);

CREATE TABLE watch_folder (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    name TEXT NOT NULL,
    device BIGINT,
    owner VARCHAR,
    beat BIGINT NOT NULL,
    state VARCHAR NOT NULL,
    since DATETIME NOT NULL,
    seen_at DATETIME NOT NULL,
    files INTEGER NOT NULL,
    open INTEGER NOT NULL,
    CONSTRAINT pk_watch_folder PRIMARY KEY (id),
    CONSTRAINT fk_watch_folder_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT ck_watch_folder_since_finite CHECK (since BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_watch_folder_seen_at_finite CHECK (seen_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE account (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    name VARCHAR NOT NULL,
    role VARCHAR NOT NULL CONSTRAINT ck_account_known_role CHECK (role IN ('nurse','analyst','steward','admin','agent','auditor')),
    ward VARCHAR(40),
    password TEXT,
    language VARCHAR,
    created_at DATETIME NOT NULL,
    disabled_at DATETIME,
    CONSTRAINT pk_account PRIMARY KEY (id),
    CONSTRAINT fk_account_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT uq_account_name UNIQUE (name),
    CONSTRAINT fk_account_ward_ward FOREIGN KEY(ward) REFERENCES ward (id),
    CONSTRAINT ck_account_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_account_disabled_at_finite CHECK (disabled_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE device (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    ward VARCHAR(40),
    maker VARCHAR NOT NULL,
    model VARCHAR NOT NULL,
    serial VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    zone VARCHAR,
    bench BOOLEAN NOT NULL,
    first_seen DATETIME NOT NULL,
    CONSTRAINT pk_device PRIMARY KEY (id),
    CONSTRAINT uq_device_centre_maker_model_serial UNIQUE (centre, maker, model, serial),
    CONSTRAINT fk_device_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_device_ward_ward FOREIGN KEY(ward) REFERENCES ward (id),
    CONSTRAINT ck_device_first_seen_finite CHECK (first_seen BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE identifier (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    patient_id VARCHAR(40) NOT NULL,
    system VARCHAR NOT NULL,
    value VARCHAR NOT NULL,
    normalised VARCHAR NOT NULL,
    valid_from DATETIME,
    valid_to DATETIME,
    CONSTRAINT pk_identifier PRIMARY KEY (id),
    CONSTRAINT fk_identifier_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_identifier_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (id),
    CONSTRAINT ck_identifier_valid_from_finite CHECK (valid_from BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_identifier_valid_to_finite CHECK (valid_to BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_identifier_normalised ON identifier (centre, normalised);

CREATE INDEX ix_identifier_patient_id ON identifier (patient_id);

CREATE TABLE identity (
    patient_id VARCHAR(40) NOT NULL,
    birth_date DATE,
    name VARCHAR,
    CONSTRAINT pk_identity PRIMARY KEY (patient_id),
    CONSTRAINT fk_identity_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (id)
);

CREATE TABLE measurement (
    id VARCHAR(40) NOT NULL,
    patient_id VARCHAR(40) NOT NULL,
    kind VARCHAR NOT NULL,
    value FLOAT NOT NULL CONSTRAINT ck_measurement_value_range CHECK (value >= 0 AND value < 1e9),
    unit VARCHAR NOT NULL,
    at DATETIME NOT NULL,
    source VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    recorded_at DATETIME NOT NULL,
    revoked_at DATETIME,
    CONSTRAINT pk_measurement PRIMARY KEY (id),
    CONSTRAINT fk_measurement_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (id),
    CONSTRAINT ck_measurement_value_finite CHECK (value BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_measurement_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_measurement_recorded_at_finite CHECK (recorded_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_measurement_revoked_at_finite CHECK (revoked_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_measurement_patient_id ON measurement (patient_id);

CREATE TABLE session (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    started_at DATETIME NOT NULL,
    ended_at DATETIME,
    patient_id VARCHAR(40),
    ward VARCHAR(40),
    created_at DATETIME NOT NULL,
    joined_into VARCHAR(40),
    decision JSON,
    flags JSON NOT NULL,
    CONSTRAINT pk_session PRIMARY KEY (id),
    CONSTRAINT fk_session_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_session_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (id),
    CONSTRAINT fk_session_ward_ward FOREIGN KEY(ward) REFERENCES ward (id),
    CONSTRAINT fk_session_joined_into_session FOREIGN KEY(joined_into) REFERENCES session (id),
    CONSTRAINT ck_session_started_at_finite CHECK (started_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_session_ended_at_finite CHECK (ended_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_session_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_session_patient_id ON session (patient_id);

CREATE INDEX ix_session_started_at_id ON session (started_at, id);

CREATE TABLE source_member (
    source VARCHAR(64) NOT NULL,
    position INTEGER NOT NULL,
    name TEXT NOT NULL,
    sha256 VARCHAR(64) NOT NULL,
    bytes BIGINT NOT NULL,
    CONSTRAINT pk_source_member PRIMARY KEY (source, position),
    CONSTRAINT fk_source_member_source_source FOREIGN KEY(source) REFERENCES source (sha256),
    CONSTRAINT fk_source_member_sha256_raw_file FOREIGN KEY(sha256) REFERENCES raw_file (sha256)
);

CREATE INDEX ix_source_member_sha256 ON source_member (sha256);

CREATE TABLE submission (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    source VARCHAR(64) NOT NULL,
    way VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    at DATETIME NOT NULL,
    zone VARCHAR,
    driver VARCHAR,
    preview BOOLEAN NOT NULL,
    idempotency_key VARCHAR,
    note TEXT,
    names JSON,
    status VARCHAR NOT NULL,
    code VARCHAR,
    receipt JSON,
    done_at DATETIME,
    cleared_at DATETIME,
    CONSTRAINT pk_submission PRIMARY KEY (id),
    CONSTRAINT fk_submission_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_submission_source_source FOREIGN KEY(source) REFERENCES source (sha256),
    CONSTRAINT uq_submission_idempotency_key UNIQUE (idempotency_key),
    CONSTRAINT ck_submission_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_submission_done_at_finite CHECK (done_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_submission_cleared_at_finite CHECK (cleared_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_submission_actor ON submission (actor);

CREATE INDEX ix_submission_source ON submission (source);

CREATE INDEX ix_submission_status ON submission (status);

CREATE TABLE watch_file (
    folder VARCHAR(40) NOT NULL,
    path BLOB NOT NULL,
    name TEXT NOT NULL,
    dev BIGINT NOT NULL,
    ino BIGINT NOT NULL,
    size BIGINT NOT NULL,
    mtime_ns BIGINT NOT NULL,
    ctime_ns BIGINT NOT NULL,
    state VARCHAR NOT NULL CONSTRAINT ck_watch_file_known_state CHECK (state IN ('waiting','taken','refused','aside')),
    code VARCHAR,
    attempts INTEGER NOT NULL,
    sha256 VARCHAR(64),
    submission VARCHAR(40),
    at DATETIME NOT NULL,
    CONSTRAINT pk_watch_file PRIMARY KEY (folder, path),
    CONSTRAINT fk_watch_file_folder_watch_folder FOREIGN KEY(folder) REFERENCES watch_folder (id),
    CONSTRAINT ck_watch_file_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE change (
    seq INTEGER NOT NULL,
    at DATETIME NOT NULL,
    session_id VARCHAR(40) NOT NULL,
    kind VARCHAR NOT NULL,
    cause VARCHAR NOT NULL,
    fields JSON NOT NULL,
    CONSTRAINT pk_change PRIMARY KEY (seq),
    CONSTRAINT fk_change_session_id_session FOREIGN KEY(session_id) REFERENCES session (id),
    CONSTRAINT ck_change_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_change_session_id ON change (session_id);

CREATE TABLE clock_offset (
    id VARCHAR(40) NOT NULL,
    device_id VARCHAR(40) NOT NULL,
    seconds INTEGER NOT NULL,
    valid_from DATETIME,
    valid_to DATETIME,
    actor VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    recorded_at DATETIME NOT NULL,
    revoked_at DATETIME,
    CONSTRAINT pk_clock_offset PRIMARY KEY (id),
    CONSTRAINT ck_clock_offset_sixty_years_at_most CHECK (seconds BETWEEN -2000000000 AND 2000000000),
    CONSTRAINT fk_clock_offset_device_id_device FOREIGN KEY(device_id) REFERENCES device (id),
    CONSTRAINT ck_clock_offset_valid_from_finite CHECK (valid_from BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_clock_offset_valid_to_finite CHECK (valid_to BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_clock_offset_recorded_at_finite CHECK (recorded_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_clock_offset_revoked_at_finite CHECK (revoked_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_clock_offset_device_id ON clock_offset (device_id);

CREATE TABLE dose (
    id INTEGER NOT NULL,
    session_id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    known_from DATETIME NOT NULL,
    known_to DATETIME,
    method VARCHAR NOT NULL,
    patient_id VARCHAR(40),
    course VARCHAR,
    started_at DATETIME NOT NULL,
    ended_at DATETIME,
    started_local DATETIME NOT NULL,
    time_method VARCHAR NOT NULL,
    device VARCHAR(40) NOT NULL,
    device_model VARCHAR NOT NULL,
    device_serial VARCHAR NOT NULL,
    role VARCHAR NOT NULL,
    driver VARCHAR NOT NULL,
    driver_version VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    status VARCHAR NOT NULL CONSTRAINT ck_dose_known_status CHECK (status IN ('final','provisional','withheld','bench')),
    status_reasons JSON NOT NULL,
    processed_plasma_ml FLOAT CONSTRAINT ck_dose_processed_plasma_ml_range CHECK (processed_plasma_ml >= 0 AND processed_plasma_ml < 100000),
    processed_plasma_reading VARCHAR,
    reported_ml FLOAT CONSTRAINT ck_dose_reported_ml_range CHECK (reported_ml >= 0 AND reported_ml < 100000),
    cycles_ml FLOAT CONSTRAINT ck_dose_cycles_ml_range CHECK (cycles_ml >= 0 AND cycles_ml < 100000),
    counter_ml FLOAT CONSTRAINT ck_dose_counter_ml_range CHECK (counter_ml >= 0 AND counter_ml < 100000),
    integrated_ml FLOAT CONSTRAINT ck_dose_integrated_ml_range CHECK (integrated_ml >= 0 AND integrated_ml < 100000),
    agreement VARCHAR CONSTRAINT ck_dose_known_agreement CHECK (agreement IN ('agreed','single_source','disagreed')),
    max_disagreement FLOAT CONSTRAINT ck_dose_max_disagreement_range CHECK (max_disagreement >= 0 AND max_disagreement < 1e9),
    native_plasma_ml FLOAT CONSTRAINT ck_dose_native_plasma_ml_range CHECK (native_plasma_ml >= 0 AND native_plasma_ml < 100000),
    plasma_volume_ml FLOAT CONSTRAINT ck_dose_plasma_volume_ml_range CHECK (plasma_volume_ml >= 0 AND plasma_volume_ml < 100000),
    plasma_volume_formula VARCHAR,
    pv_multiple FLOAT CONSTRAINT ck_dose_pv_multiple_range CHECK (pv_multiple >= 0 AND pv_multiple < 1000),
    plasma_ml_per_kg FLOAT CONSTRAINT ck_dose_plasma_ml_per_kg_range CHECK (plasma_ml_per_kg >= 0 AND plasma_ml_per_kg < 100000),
    weight_kg FLOAT CONSTRAINT ck_dose_weight_kg_range CHECK (weight_kg >= 0 AND weight_kg < 1000),
    height_cm FLOAT CONSTRAINT ck_dose_height_cm_range CHECK (height_cm >= 0 AND height_cm < 1000),
    hematocrit FLOAT CONSTRAINT ck_dose_hematocrit_range CHECK (hematocrit >= 0 AND hematocrit < 1.000001),
    cycles_completed INTEGER CONSTRAINT ck_dose_cycles_completed_positive CHECK (cycles_completed >= 0),
    cycles_aborted INTEGER CONSTRAINT ck_dose_cycles_aborted_positive CHECK (cycles_aborted >= 0),
    plasma_per_cycle_min_ml FLOAT CONSTRAINT ck_dose_plasma_per_cycle_min_ml_range CHECK (plasma_per_cycle_min_ml >= 0 AND plasma_per_cycle_min_ml < 1e9),
    plasma_per_cycle_mean_ml FLOAT CONSTRAINT ck_dose_plasma_per_cycle_mean_ml_range CHECK (plasma_per_cycle_mean_ml >= 0 AND plasma_per_cycle_mean_ml < 1e9),
    plasma_per_cycle_max_ml FLOAT CONSTRAINT ck_dose_plasma_per_cycle_max_ml_range CHECK (plasma_per_cycle_max_ml >= 0 AND plasma_per_cycle_max_ml < 1e9),
    blood_processed_ml FLOAT CONSTRAINT ck_dose_blood_processed_ml_range CHECK (blood_processed_ml >= 0 AND blood_processed_ml < 1e9),
    ac_volume_ml FLOAT CONSTRAINT ck_dose_ac_volume_ml_range CHECK (ac_volume_ml >= 0 AND ac_volume_ml < 1e9),
    connected_min FLOAT CONSTRAINT ck_dose_connected_min_range CHECK (connected_min >= 0 AND connected_min < 1e9),
    loading_min FLOAT CONSTRAINT ck_dose_loading_min_range CHECK (loading_min >= 0 AND loading_min < 1e9),
    interrupted_min FLOAT CONSTRAINT ck_dose_interrupted_min_range CHECK (interrupted_min >= 0 AND interrupted_min < 1e9),
    interruptions INTEGER CONSTRAINT ck_dose_interruptions_positive CHECK (interruptions >= 0),
    mean_plasma_flow_ml_min FLOAT CONSTRAINT ck_dose_mean_plasma_flow_ml_min_range CHECK (mean_plasma_flow_ml_min >= 0 AND mean_plasma_flow_ml_min < 1e9),
    alarms_high INTEGER CONSTRAINT ck_dose_alarms_high_positive CHECK (alarms_high >= 0),
    alarms_medium INTEGER CONSTRAINT ck_dose_alarms_medium_positive CHECK (alarms_medium >= 0),
    alarms_low INTEGER CONSTRAINT ck_dose_alarms_low_positive CHECK (alarms_low >= 0),
    alarms_info INTEGER CONSTRAINT ck_dose_alarms_info_positive CHECK (alarms_info >= 0),
    alarms_unknown INTEGER CONSTRAINT ck_dose_alarms_unknown_positive CHECK (alarms_unknown >= 0),
    alarm_min FLOAT CONSTRAINT ck_dose_alarm_min_range CHECK (alarm_min >= 0 AND alarm_min < 1e9),
    complete BOOLEAN NOT NULL,
    sources JSON NOT NULL,
    detail JSON NOT NULL,
    CONSTRAINT pk_dose PRIMARY KEY (id),
    CONSTRAINT fk_dose_session_id_session FOREIGN KEY(session_id) REFERENCES session (id),
    CONSTRAINT fk_dose_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT ck_dose_known_from_finite CHECK (known_from BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_dose_known_to_finite CHECK (known_to BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_dose_started_at_finite CHECK (started_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_dose_ended_at_finite CHECK (ended_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_dose_started_local_finite CHECK (started_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_dose_processed_plasma_ml_finite CHECK (processed_plasma_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_reported_ml_finite CHECK (reported_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_cycles_ml_finite CHECK (cycles_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_counter_ml_finite CHECK (counter_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_integrated_ml_finite CHECK (integrated_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_max_disagreement_finite CHECK (max_disagreement BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_native_plasma_ml_finite CHECK (native_plasma_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_plasma_volume_ml_finite CHECK (plasma_volume_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_pv_multiple_finite CHECK (pv_multiple BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_plasma_ml_per_kg_finite CHECK (plasma_ml_per_kg BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_weight_kg_finite CHECK (weight_kg BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_height_cm_finite CHECK (height_cm BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_hematocrit_finite CHECK (hematocrit BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_plasma_per_cycle_min_ml_finite CHECK (plasma_per_cycle_min_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_plasma_per_cycle_mean_ml_finite CHECK (plasma_per_cycle_mean_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_plasma_per_cycle_max_ml_finite CHECK (plasma_per_cycle_max_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_blood_processed_ml_finite CHECK (blood_processed_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_ac_volume_ml_finite CHECK (ac_volume_ml BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_connected_min_finite CHECK (connected_min BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_loading_min_finite CHECK (loading_min BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_interrupted_min_finite CHECK (interrupted_min BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_mean_plasma_flow_ml_min_finite CHECK (mean_plasma_flow_ml_min BETWEEN -1e15 AND 1e15),
    CONSTRAINT ck_dose_alarm_min_finite CHECK (alarm_min BETWEEN -1e15 AND 1e15)
);

CREATE INDEX ix_dose_current_started ON dose (started_at, session_id) WHERE known_to IS NULL;

CREATE INDEX ix_dose_device_started ON dose (device, started_at, session_id);

CREATE INDEX ix_dose_known ON dose (known_from, known_to);

CREATE INDEX ix_dose_patient_started ON dose (patient_id, started_at, session_id);

CREATE INDEX ix_dose_started_at_session_id ON dose (started_at, session_id);

CREATE INDEX ix_dose_status_started ON dose (status, started_at, session_id);

CREATE UNIQUE INDEX uq_dose_current ON dose (session_id, method) WHERE known_to IS NULL;

CREATE TABLE job (
    submission VARCHAR(40) NOT NULL,
    state VARCHAR NOT NULL CONSTRAINT ck_job_known_state CHECK (state IN ('queued','running','done','failed')),
    attempts INTEGER NOT NULL,
    not_before DATETIME NOT NULL,
    worker VARCHAR,
    error VARCHAR,
    CONSTRAINT pk_job PRIMARY KEY (submission),
    CONSTRAINT fk_job_submission_submission FOREIGN KEY(submission) REFERENCES submission (id),
    CONSTRAINT ck_job_not_before_finite CHECK (not_before BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_job_state_not_before ON job (state, not_before);

CREATE TABLE link (
    id VARCHAR(40) NOT NULL,
    session_id VARCHAR(40) NOT NULL,
    patient_id VARCHAR(40),
    rule VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    at DATETIME NOT NULL,
    number INTEGER NOT NULL,
    replaced VARCHAR(40),
    CONSTRAINT pk_link PRIMARY KEY (id),
    CONSTRAINT fk_link_session_id_session FOREIGN KEY(session_id) REFERENCES session (id),
    CONSTRAINT fk_link_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (id),
    CONSTRAINT fk_link_replaced_link FOREIGN KEY(replaced) REFERENCES link (id),
    CONSTRAINT ck_link_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_link_session_id ON link (session_id);

CREATE UNIQUE INDEX uq_link_session_id_number ON link (session_id, number);

CREATE TABLE login (
    sha256 VARCHAR(64) NOT NULL,
    account_id VARCHAR(40) NOT NULL,
    created_at DATETIME NOT NULL,
    seen_at DATETIME NOT NULL,
    ended_at DATETIME,
    CONSTRAINT pk_login PRIMARY KEY (sha256),
    CONSTRAINT fk_login_account_id_account FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT ck_login_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_login_seen_at_finite CHECK (seen_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_login_ended_at_finite CHECK (ended_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_login_account_id ON login (account_id);

CREATE TABLE "plan" (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    state VARCHAR NOT NULL CONSTRAINT ck_plan_known_state CHECK (state IN ('making','ready','approved','done','dropped')),
    driver VARCHAR,
    device_id VARCHAR(40),
    cause VARCHAR NOT NULL,
    worker VARCHAR NOT NULL,
    actor VARCHAR NOT NULL,
    at DATETIME NOT NULL,
    unchanged INTEGER NOT NULL,
    approved_by VARCHAR,
    reason TEXT NOT NULL,
    ended_at DATETIME,
    CONSTRAINT pk_plan PRIMARY KEY (id),
    CONSTRAINT fk_plan_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_plan_device_id_device FOREIGN KEY(device_id) REFERENCES device (id),
    CONSTRAINT ck_plan_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_plan_ended_at_finite CHECK (ended_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_plan_state ON "plan" (state);

CREATE TABLE run (
    id VARCHAR(40) NOT NULL,
    centre VARCHAR(40) NOT NULL,
    device_id VARCHAR(40) NOT NULL,
    role VARCHAR NOT NULL,
    printed_id VARCHAR,
    session_id VARCHAR(40),
    half_of VARCHAR(40),
    started_at DATETIME NOT NULL,
    ended_at DATETIME,
    last_seen DATETIME NOT NULL,
    CONSTRAINT pk_run PRIMARY KEY (id),
    CONSTRAINT fk_run_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_run_device_id_device FOREIGN KEY(device_id) REFERENCES device (id),
    CONSTRAINT fk_run_session_id_session FOREIGN KEY(session_id) REFERENCES session (id),
    CONSTRAINT fk_run_half_of_run FOREIGN KEY(half_of) REFERENCES run (id),
    CONSTRAINT ck_run_started_at_finite CHECK (started_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_run_ended_at_finite CHECK (ended_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_run_last_seen_finite CHECK (last_seen BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_run_centre_started_at ON run (centre, started_at);

CREATE INDEX ix_run_device_id_started_at ON run (device_id, started_at);

CREATE INDEX ix_run_half_of ON run (half_of);

CREATE INDEX ix_run_session_id ON run (session_id);

CREATE TABLE token (
    id VARCHAR(40) NOT NULL,
    account_id VARCHAR(40) NOT NULL,
    role VARCHAR NOT NULL CONSTRAINT ck_token_known_role CHECK (role IN ('nurse','analyst','steward','admin','agent','auditor')),
    sha256 VARCHAR(64) NOT NULL,
    created_at DATETIME NOT NULL,
    expires_at DATETIME NOT NULL,
    used_at DATETIME,
    revoked_at DATETIME,
    CONSTRAINT pk_token PRIMARY KEY (id),
    CONSTRAINT fk_token_account_id_account FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT uq_token_sha256 UNIQUE (sha256),
    CONSTRAINT ck_token_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_token_expires_at_finite CHECK (expires_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_token_used_at_finite CHECK (used_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_token_revoked_at_finite CHECK (revoked_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_token_account_id ON token (account_id);

CREATE TABLE plan_item (
    plan_id VARCHAR(40) NOT NULL,
    position INTEGER NOT NULL,
    unit VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    state VARCHAR NOT NULL CONSTRAINT ck_plan_item_known_state CHECK (state IN ('open','done','stale')),
    submission VARCHAR(40),
    retire JSON NOT NULL,
    enter JSON NOT NULL,
    sessions JSON NOT NULL,
    changes JSON NOT NULL,
    troubles JSON NOT NULL,
    CONSTRAINT pk_plan_item PRIMARY KEY (plan_id, position),
    CONSTRAINT fk_plan_item_plan_id_plan FOREIGN KEY(plan_id) REFERENCES "plan" (id),
    CONSTRAINT fk_plan_item_submission_submission FOREIGN KEY(submission) REFERENCES submission (id)
);

CREATE UNIQUE INDEX uq_plan_item_plan_id_unit ON plan_item (plan_id, unit);

CREATE TABLE revision (
    id VARCHAR(40) NOT NULL,
    run_id VARCHAR(40) NOT NULL,
    source VARCHAR(64) NOT NULL,
    treatment INTEGER NOT NULL,
    state VARCHAR NOT NULL CONSTRAINT ck_revision_known_state CHECK (state IN ('current','superseded','held','rejected','proposed')),
    driver VARCHAR NOT NULL,
    driver_version VARCHAR NOT NULL,
    evidence VARCHAR NOT NULL,
    layout VARCHAR NOT NULL,
    layout_version VARCHAR NOT NULL,
    software VARCHAR NOT NULL,
    zone VARCHAR NOT NULL,
    basis VARCHAR NOT NULL,
    member TEXT NOT NULL,
    complete BOOLEAN NOT NULL,
    hold VARCHAR,
    bench BOOLEAN NOT NULL,
    cycle_definition VARCHAR NOT NULL,
    started_at DATETIME NOT NULL,
    started_local DATETIME NOT NULL,
    started_method VARCHAR NOT NULL,
    ended_at DATETIME,
    ended_local DATETIME,
    ended_method VARCHAR,
    rows_read INTEGER NOT NULL,
    ignored JSON NOT NULL,
    totals JSON NOT NULL,
    facts JSON NOT NULL,
    segments JSON NOT NULL,
    figures JSON NOT NULL,
    read_at DATETIME NOT NULL,
    replaced_by VARCHAR(40),
    CONSTRAINT pk_revision PRIMARY KEY (id),
    CONSTRAINT uq_revision_run_id_source_treatment_driver_driver_version_basis UNIQUE (run_id, source, treatment, driver, driver_version, basis),
    CONSTRAINT fk_revision_run_id_run FOREIGN KEY(run_id) REFERENCES run (id),
    CONSTRAINT fk_revision_source_source FOREIGN KEY(source) REFERENCES source (sha256),
    CONSTRAINT fk_revision_replaced_by_revision FOREIGN KEY(replaced_by) REFERENCES revision (id),
    CONSTRAINT ck_revision_started_at_finite CHECK (started_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_revision_started_local_finite CHECK (started_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_revision_ended_at_finite CHECK (ended_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_revision_ended_local_finite CHECK (ended_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_revision_read_at_finite CHECK (read_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_revision_replaced_by ON revision (replaced_by);

CREATE INDEX ix_revision_run_id ON revision (run_id);

CREATE INDEX ix_revision_source ON revision (source);

CREATE UNIQUE INDEX uq_revision_current ON revision (run_id) WHERE state = 'current';

CREATE TABLE run_pair (
    id VARCHAR(40) NOT NULL,
    first VARCHAR(40) NOT NULL,
    second VARCHAR(40) NOT NULL,
    together BOOLEAN NOT NULL,
    actor VARCHAR NOT NULL,
    reason TEXT NOT NULL,
    at DATETIME NOT NULL,
    revoked_at DATETIME,
    CONSTRAINT pk_run_pair PRIMARY KEY (id),
    CONSTRAINT fk_run_pair_first_run FOREIGN KEY(first) REFERENCES run (id),
    CONSTRAINT fk_run_pair_second_run FOREIGN KEY(second) REFERENCES run (id),
    CONSTRAINT ck_run_pair_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_run_pair_revoked_at_finite CHECK (revoked_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_run_pair_first ON run_pair (first);

CREATE INDEX ix_run_pair_second ON run_pair (second);

CREATE TABLE alarm (
    revision_id VARCHAR(40) NOT NULL,
    position INTEGER NOT NULL,
    code VARCHAR NOT NULL,
    klass VARCHAR NOT NULL,
    kind VARCHAR NOT NULL,
    priority VARCHAR NOT NULL,
    text TEXT NOT NULL,
    onset_at DATETIME,
    onset_local DATETIME,
    onset_method VARCHAR,
    cleared_at DATETIME,
    cleared_local DATETIME,
    cleared_method VARCHAR,
    acknowledged_at DATETIME,
    acknowledged_local DATETIME,
    acknowledged_method VARCHAR,
    line INTEGER NOT NULL,
    CONSTRAINT pk_alarm PRIMARY KEY (revision_id, position),
    CONSTRAINT fk_alarm_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT ck_alarm_onset_at_finite CHECK (onset_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_alarm_onset_local_finite CHECK (onset_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_alarm_cleared_at_finite CHECK (cleared_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_alarm_cleared_local_finite CHECK (cleared_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_alarm_acknowledged_at_finite CHECK (acknowledged_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_alarm_acknowledged_local_finite CHECK (acknowledged_local BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE column_use (
    revision_id VARCHAR(40) NOT NULL,
    position INTEGER NOT NULL,
    column_position VARCHAR NOT NULL,
    sequence INTEGER NOT NULL,
    product VARCHAR NOT NULL,
    serial VARCHAR NOT NULL,
    lot VARCHAR NOT NULL,
    use INTEGER,
    expiry DATE,
    regenerable BOOLEAN,
    line INTEGER NOT NULL,
    CONSTRAINT pk_column_use PRIMARY KEY (revision_id, position),
    CONSTRAINT fk_column_use_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE INDEX ix_column_use_serial ON column_use (serial);

CREATE TABLE cycle (
    revision_id VARCHAR(40) NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    column_position VARCHAR NOT NULL,
    start_at DATETIME,
    start_local DATETIME,
    start_method VARCHAR,
    end_at DATETIME,
    end_local DATETIME,
    end_method VARCHAR,
    load_ml FLOAT CONSTRAINT ck_cycle_load_ml_positive CHECK (load_ml >= 0),
    completed BOOLEAN,
    line INTEGER NOT NULL,
    CONSTRAINT pk_cycle PRIMARY KEY (revision_id, position),
    CONSTRAINT fk_cycle_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT ck_cycle_start_at_finite CHECK (start_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_cycle_start_local_finite CHECK (start_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_cycle_end_at_finite CHECK (end_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_cycle_end_local_finite CHECK (end_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_cycle_load_ml_finite CHECK (load_ml BETWEEN -1e15 AND 1e15)
);

CREATE TABLE event (
    revision_id VARCHAR(40) NOT NULL,
    position INTEGER NOT NULL,
    kind VARCHAR NOT NULL,
    text TEXT NOT NULL,
    event_at DATETIME,
    event_local DATETIME,
    event_method VARCHAR,
    value FLOAT,
    unit VARCHAR NOT NULL,
    line INTEGER NOT NULL,
    CONSTRAINT pk_event PRIMARY KEY (revision_id, position),
    CONSTRAINT fk_event_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT ck_event_event_at_finite CHECK (event_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_event_event_local_finite CHECK (event_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_event_value_finite CHECK (value BETWEEN -1e15 AND 1e15)
);

CREATE TABLE finding (
    revision_id VARCHAR(40) NOT NULL,
    position INTEGER NOT NULL,
    code VARCHAR NOT NULL,
    severity VARCHAR NOT NULL,
    member TEXT NOT NULL,
    params JSON NOT NULL,
    line INTEGER NOT NULL,
    CONSTRAINT pk_finding PRIMARY KEY (revision_id, position),
    CONSTRAINT fk_finding_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE TABLE phase (
    revision_id VARCHAR(40) NOT NULL,
    position INTEGER NOT NULL,
    cycle INTEGER NOT NULL,
    column_position VARCHAR NOT NULL,
    phase VARCHAR NOT NULL,
    start_at DATETIME,
    start_local DATETIME,
    start_method VARCHAR,
    end_at DATETIME,
    end_local DATETIME,
    end_method VARCHAR,
    volume_ml FLOAT,
    volume_raw VARCHAR NOT NULL,
    completed BOOLEAN,
    line INTEGER NOT NULL,
    CONSTRAINT pk_phase PRIMARY KEY (revision_id, position),
    CONSTRAINT fk_phase_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id),
    CONSTRAINT ck_phase_start_at_finite CHECK (start_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_phase_start_local_finite CHECK (start_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_phase_end_at_finite CHECK (end_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_phase_end_local_finite CHECK (end_local BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_phase_volume_ml_finite CHECK (volume_ml BETWEEN -1e15 AND 1e15)
);

CREATE TABLE printed_patient (
    revision_id VARCHAR(40) NOT NULL,
    text VARCHAR NOT NULL,
    CONSTRAINT pk_printed_patient PRIMARY KEY (revision_id),
    CONSTRAINT fk_printed_patient_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE TABLE trace (
    revision_id VARCHAR(40) NOT NULL,
    samples INTEGER NOT NULL,
    channels JSON NOT NULL,
    block BLOB NOT NULL,
    CONSTRAINT pk_trace PRIMARY KEY (revision_id),
    CONSTRAINT fk_trace_revision_id_revision FOREIGN KEY(revision_id) REFERENCES revision (id)
);

CREATE TABLE privacy_request (
    id VARCHAR(40) COLLATE "C" NOT NULL,
    centre VARCHAR(40) COLLATE "C" NOT NULL,
    kind VARCHAR COLLATE "C" NOT NULL CONSTRAINT ck_privacy_request_known_kind CHECK (kind IN ('reidentification','restriction','erasure')),
    patient_id VARCHAR(40) COLLATE "C" NOT NULL,
    asked_by VARCHAR COLLATE "C" NOT NULL,
    asked_at TIMESTAMP WITH TIME ZONE NOT NULL,
    reason VARCHAR COLLATE "C" NOT NULL,
    decision VARCHAR COLLATE "C" CONSTRAINT ck_privacy_request_known_decision CHECK (decision IN ('granted','refused')),
    decided_by VARCHAR COLLATE "C",
    decided_at TIMESTAMP WITH TIME ZONE,
    note VARCHAR COLLATE "C",
    ended_by VARCHAR COLLATE "C",
    ended_at TIMESTAMP WITH TIME ZONE,
    CONSTRAINT pk_privacy_request PRIMARY KEY (id),
    CONSTRAINT fk_privacy_request_centre_centre FOREIGN KEY(centre) REFERENCES centre (id),
    CONSTRAINT fk_privacy_request_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (id),
    CONSTRAINT ck_privacy_request_asked_at_finite CHECK (asked_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_privacy_request_decided_at_finite CHECK (decided_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_privacy_request_ended_at_finite CHECK (ended_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_privacy_request_patient_id ON privacy_request (patient_id, kind);

CREATE TABLE second_factor (
    account_id VARCHAR(40) COLLATE "C" NOT NULL,
    secret VARCHAR COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    confirmed_at TIMESTAMP WITH TIME ZONE,
    last_step INTEGER NOT NULL,
    recovery JSONB NOT NULL,
    CONSTRAINT pk_second_factor PRIMARY KEY (account_id),
    CONSTRAINT fk_second_factor_account_id_account FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT ck_second_factor_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31'),
    CONSTRAINT ck_second_factor_confirmed_at_finite CHECK (confirmed_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE TABLE sign_on (
    issuer VARCHAR COLLATE "C" NOT NULL,
    subject VARCHAR COLLATE "C" NOT NULL,
    account_id VARCHAR(40) COLLATE "C" NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    CONSTRAINT pk_sign_on PRIMARY KEY (issuer, subject),
    CONSTRAINT fk_sign_on_account_id_account FOREIGN KEY(account_id) REFERENCES account (id),
    CONSTRAINT ck_sign_on_created_at_finite CHECK (created_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_sign_on_account_id ON sign_on (account_id);

ALTER TABLE identity ENABLE ROW LEVEL SECURITY;

ALTER TABLE identifier ENABLE ROW LEVEL SECURITY;

ALTER TABLE printed_patient ENABLE ROW LEVEL SECURITY;

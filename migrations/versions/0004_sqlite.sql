CREATE TABLE link_request (
	id VARCHAR(40) NOT NULL, 
	session_id VARCHAR(40) NOT NULL, 
	patient_id VARCHAR(40) NOT NULL, 
	actor VARCHAR NOT NULL, 
	reason TEXT NOT NULL, 
	at DATETIME NOT NULL, 
	outcome VARCHAR CONSTRAINT ck_link_request_known_outcome CHECK (outcome IN ('confirmed','refused','replaced')), 
	decided_by VARCHAR, 
	decided_at DATETIME, 
	CONSTRAINT pk_link_request PRIMARY KEY (id), 
	CONSTRAINT fk_link_request_session_id_session FOREIGN KEY(session_id) REFERENCES session (id), 
	CONSTRAINT fk_link_request_patient_id_patient FOREIGN KEY(patient_id) REFERENCES patient (id), 
	CONSTRAINT ck_link_request_at_finite CHECK (at BETWEEN '1900-01-01' AND '9999-12-31'), 
	CONSTRAINT ck_link_request_decided_at_finite CHECK (decided_at BETWEEN '1900-01-01' AND '9999-12-31')
);

CREATE INDEX ix_link_request_outcome ON link_request (outcome, at);

CREATE INDEX ix_link_request_session_id ON link_request (session_id);

-- SPDX-License-Identifier: MIT
--
-- The table that reporter keeps up to date: one row for each server that an
-- agent has called, with what the agent last reported about it.
--
--	mysql DATABASE < schema.sql
--
-- An existing table stays as it is.  ip, port, caller and the counts may be
-- signed or unsigned: reporter looks at the table when it connects and every
-- second.  Addresses are IPv4 addresses as 32-bit numbers; in a signed column
-- those from 128.0.0.0 on are negative.  See view.sql for a readable form.

CREATE TABLE IF NOT EXISTS ServerCallStatus (
	modid    int     NOT NULL COMMENT 'service number',
	cmdid    int     NOT NULL COMMENT 'function number',
	ip       int     NOT NULL COMMENT 'address of the called server',
	port     int     NOT NULL COMMENT 'port of the called server',
	caller   int     NOT NULL COMMENT 'address of the reporting agent',
	succ_cnt int     NOT NULL COMMENT 'calls that succeeded',
	err_cnt  int     NOT NULL COMMENT 'calls that failed',
	ts       bigint  NOT NULL COMMENT 'seconds since 1970',
	overload char(1) NOT NULL COMMENT '1: the server is overloaded',
	PRIMARY KEY (modid, cmdid, ip, port, caller)
) ENGINE=InnoDB;

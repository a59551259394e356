-- SPDX-License-Identifier: MIT
--
-- The account that reporter needs, with the minimum of privileges.
-- Change what is marked, then run it as the database's administrator:
--
--	mysql DATABASE < grants.sql
--
-- Change the database (here: reporter), if yours has another name.
--
-- Choose the host that reporter connects from: 'localhost' when it uses the
-- server's unix socket, else its address or network, as in '10.1.2.%'.  '%'
-- lets the account be used from everywhere: avoid it.
--
-- Choose a long random password, for example of `openssl rand -base64 24`, and
-- write the same into reporter.conf or the file named by defaults_file; root
-- and reporter's user alone should be able to read either, and this file.
--
-- INSERT and UPDATE are what INSERT ... ON DUPLICATE KEY UPDATE does; SELECT is
-- for the columns it compares, and for inspecting the table.
-- No right to create or alter: run schema.sql and view.sql as the
-- administrator.  No right to delete either, unless you set `retention`: see
-- below.

-- MySQL 5.6 has no IF NOT EXISTS here: leave it out there.
CREATE USER IF NOT EXISTS 'reporter'@'localhost'
	IDENTIFIED BY 'CHANGE-THIS-PASSWORD';

GRANT SELECT, INSERT, UPDATE ON reporter.ServerCallStatus
	TO 'reporter'@'localhost';

-- With `retention` in reporter.conf, reporter removes old rows itself, and needs
-- this; without it, a stolen password cannot empty the table:
--
--	GRANT DELETE ON reporter.ServerCallStatus TO 'reporter'@'localhost';

-- For people and dashboards that only look (needs an account of its own):
--
--	GRANT SELECT ON reporter.ServerCallStatus TO 'viewer'@'10.1.2.%';
--	GRANT SELECT ON reporter.ServerCallStatusView TO 'viewer'@'10.1.2.%';

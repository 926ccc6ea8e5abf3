-- The budget of one-time codes for all numbers together counts the codes of the last minute.
CREATE INDEX otp_challenge_by_time ON otp_challenge (sent_at);

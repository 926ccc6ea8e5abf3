-- A cart that was brought back from a backup has said more than the backup knows. Until its next trip has ended, numbers
-- far beyond the frontier are taken in, and a trip that nobody knows any more is taken for the one that is open.
ALTER TABLE cart ADD COLUMN restored boolean NOT NULL DEFAULT false;

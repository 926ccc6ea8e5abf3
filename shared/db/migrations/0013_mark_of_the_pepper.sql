-- A keyed hash of nothing: who can compute it has the pepper under which phone numbers are kept here.
CREATE TABLE pepper_mark (
    the_one boolean PRIMARY KEY DEFAULT true CONSTRAINT there_is_one_pepper CHECK (the_one),
    mark    bytea NOT NULL
);

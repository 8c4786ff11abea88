-- breaking: no
-- A workspace's own rate limit: quota requests in so many seconds, for all of its keys and channels together. None means
-- what the process is configured with.

ALTER TABLE workspaces
    ADD COLUMN rate_limit_quota integer CHECK (rate_limit_quota BETWEEN 1 AND 1000000),
    ADD COLUMN rate_limit_seconds integer CHECK (rate_limit_seconds BETWEEN 1 AND 86400),
    ADD CONSTRAINT workspaces_rate_limit_check CHECK ((rate_limit_quota IS NULL) = (rate_limit_seconds IS NULL));
-- Every API process reads these every few seconds.
CREATE INDEX workspaces_rate_limit_idx ON workspaces (id) WHERE rate_limit_quota IS NOT NULL;

-- A changed limit, or a new demand on conditions, is an administrative change.
DROP TRIGGER audit ON workspaces;
CREATE TRIGGER audit
    AFTER INSERT
    OR UPDATE OF name, time_zone, closing_note, require_if_match, rate_limit_quota, rate_limit_seconds ON workspaces
    FOR EACH ROW EXECUTE FUNCTION record_change('workspace', 'id',
        'name time_zone closing_note require_if_match rate_limit_quota rate_limit_seconds', '');

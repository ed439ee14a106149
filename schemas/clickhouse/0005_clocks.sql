-- A window's time is what the clock on the site's wall shows, stored as if that clock stood in UTC:
-- `windows.zone` and `windows.zones` say which clock that is. Without them it is UTC, as before.

ALTER TABLE analytics.traffic_hourly_revisions
    COMMENT COLUMN window_start 'start of the hour by the clock of the site, marked as UTC';

ALTER TABLE analytics.traffic_daily_revisions
    COMMENT COLUMN window_start 'start of the day by the clock of the site, marked as UTC';

ALTER TABLE analytics.breakdown_hourly_revisions
    COMMENT COLUMN window_start 'start of the hour by the clock of the site, marked as UTC';

ALTER TABLE analytics.breakdown_daily_revisions
    COMMENT COLUMN window_start 'start of the day by the clock of the site, marked as UTC';

ALTER TABLE analytics.segment_hourly_revisions
    COMMENT COLUMN window_start 'start of the hour by the clock of the site, marked as UTC';

ALTER TABLE analytics.segment_daily_revisions
    COMMENT COLUMN window_start 'start of the day by the clock of the site, marked as UTC';

ALTER TABLE analytics.segment_breakdown_hourly_revisions
    COMMENT COLUMN window_start 'start of the hour by the clock of the site, marked as UTC';

ALTER TABLE analytics.segment_breakdown_daily_revisions
    COMMENT COLUMN window_start 'start of the day by the clock of the site, marked as UTC';

ALTER TABLE analytics.pair_daily_revisions
    COMMENT COLUMN window_start 'start of the day by the clock of the site, marked as UTC';

ALTER TABLE analytics.health_minute_revisions
    COMMENT COLUMN window_start 'start of the step by the clock of the site, marked as UTC';

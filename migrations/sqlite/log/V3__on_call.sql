-- Who was on call is written down at each change, and that grows with time: it is not folded with the configuration.
DROP INDEX events_configuration;
CREATE INDEX events_configuration ON events (position)
    WHERE category NOT IN ('delivery', 'incident', 'oncall', 'page');

"""AICC over HTTP (HACP), by which a course reports its learner's progress."""

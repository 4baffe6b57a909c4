"""AICC over HTTP (HACP): the course tells how far its learner is."""

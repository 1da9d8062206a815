-- Which session's account a user has picked for a waiting request: that is no authentication, so it stands apart from one.
ALTER TABLE authorization_requests ADD COLUMN picked_sid TEXT;

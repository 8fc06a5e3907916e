-- He objected; the first time counts.
INSERT INTO objections (sender, at) VALUES ($1, $2) ON CONFLICT (sender) DO NOTHING

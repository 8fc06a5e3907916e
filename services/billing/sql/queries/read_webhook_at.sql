-- When the last webhook came.
SELECT max(webhook_at) AS at FROM receiving

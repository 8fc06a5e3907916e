"""SMS Gateway for Android (SMSGate): a phone of one's own, as a provider (docs/providers.md)."""

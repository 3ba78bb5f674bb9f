// Package secure makes what connections need to be private and known: TLS from files, and tokens from an identity provider. It knows
// nothing of Kafka or HTTP; engine/kafka, engine/registry and engine/connect are given what it makes.
//
// Secrets are read when they are needed and are never part of an error: errors name the file or the setting.
package secure

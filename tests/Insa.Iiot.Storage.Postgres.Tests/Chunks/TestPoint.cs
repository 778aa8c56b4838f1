namespace Insa.Iiot.Storage.Postgres.Tests.Chunks;

internal sealed record TestPoint(TelemetryValueKind Kind, long Bits, string Text, TelemetryQuality Quality);

namespace Insa.Iiot.Storage.Postgres.Telemetry;

/// <summary>One value on its way to a reader.</summary>
/// <param name="Time">When, in microseconds since 2000.</param>
/// <param name="Rank">The metric's place in <see cref="DeviceStreams.Metrics"/>.</param>
/// <param name="Arrived">The order of arrival; of several values for one instant the last counts.</param>
/// <param name="Value">The value.</param>
/// <param name="Quality">Its quality.</param>
internal readonly record struct WindowPoint(long Time, int Rank, long Arrived, TelemetryValue Value, TelemetryQuality Quality);

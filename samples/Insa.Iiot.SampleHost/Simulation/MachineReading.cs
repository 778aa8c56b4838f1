namespace Insa.Iiot.SampleHost.Simulation;

/// <summary>What a machine says of itself in one second.</summary>
/// <param name="Temperature">Of the bearing, in °C, 15 to 110.</param>
/// <param name="Vibration">In mm/s, 0 to 20.</param>
/// <param name="Pressure">In bar, 0 to 10.</param>
/// <param name="State"><c>running</c>, <c>idle</c> or <c>fault</c>.</param>
internal readonly record struct MachineReading(double Temperature, double Vibration, double Pressure, string State);

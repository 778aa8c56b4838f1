namespace Insa.Iiot;

/// <summary>A point and the device that it is of.</summary>
/// <param name="Device">The device.</param>
/// <param name="Point">The point.</param>
public readonly record struct TelemetryDevicePoint(DeviceId Device, TelemetryPoint Point);

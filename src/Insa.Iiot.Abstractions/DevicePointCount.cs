namespace Insa.Iiot;

/// <summary>How many points a device has.</summary>
/// <param name="Device">The device.</param>
/// <param name="Points">The points.</param>
public readonly record struct DevicePointCount(DeviceId Device, long Points);

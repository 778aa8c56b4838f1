namespace Insa.Iiot.SampleHost.Api;

/// <summary>A device to be registered.</summary>
internal sealed record NewDevice(string? Id, string? Name, string? Gateway);

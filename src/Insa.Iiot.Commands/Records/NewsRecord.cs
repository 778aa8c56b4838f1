namespace Insa.Iiot.Commands.Records;

/// <summary>Tells hosts of a device whose open commands have changed. Its id begins with its time.</summary>
internal sealed record NewsRecord(string Tenant, string Device);

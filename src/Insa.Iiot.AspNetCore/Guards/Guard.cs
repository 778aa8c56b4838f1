namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>One thing that an endpoint asks of its caller: metadata of the endpoint.</summary>
internal sealed record Guard(GuardKind Kind, string Name = "", long Amount = 0);

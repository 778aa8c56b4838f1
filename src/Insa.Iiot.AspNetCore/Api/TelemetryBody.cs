namespace Insa.Iiot.AspNetCore.Api;

/// <summary>An endpoint that takes readings in any of the ingress's formats: the OpenAPI document says which.</summary>
internal sealed class TelemetryBody;

namespace Insa.Iiot.AspNetCore.Guards;

/// <summary>Marks an endpoint as one of the REST API's: what it throws becomes a problem.</summary>
internal sealed class RestEndpoint;

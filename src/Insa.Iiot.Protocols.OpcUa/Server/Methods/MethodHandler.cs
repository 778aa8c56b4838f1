namespace Insa.Iiot.Protocols.OpcUa.Server.Methods;

/// <summary>Carries a method out.</summary>
internal delegate ValueTask<MethodAnswer> MethodHandler(MethodCall call, CancellationToken cancellationToken);

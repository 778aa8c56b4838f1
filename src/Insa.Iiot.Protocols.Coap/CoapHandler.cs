namespace Insa.Iiot.Protocols.Coap;

/// <summary>Answers requests to a resource. What it throws is answered by 5.00 and logged.</summary>
/// <param name="context">The request.</param>
/// <param name="cancellationToken">Cancelled when the server stops.</param>
public delegate ValueTask<CoapResponse> CoapHandler(CoapContext context, CancellationToken cancellationToken);

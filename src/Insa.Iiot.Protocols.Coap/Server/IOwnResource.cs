namespace Insa.Iiot.Protocols.Coap.Server;

/// <summary>Makes a resource that every server has.</summary>
internal interface IOwnResource
{
    /// <param name="resources">All resources, once the server runs.</param>
    /// <returns><see langword="null"/> if the host has not what it needs.</returns>
    CoapResource? Create(ResourceTable resources);
}

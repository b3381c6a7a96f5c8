# genrewise in a container, without the training of networks:
#   docker build -t genrewise .
#   docker run --rm -v ~/Music:/music:ro -v genrewise:/data genrewise library scan /music
# The catalogue and the weights of pretrained networks are in the volume /data.
FROM debian:12-slim AS build
WORKDIR /source
COPY . .
# hadolint ignore=DL3008
RUN tools/install_packages.sh build \
 && apt-get install -y -qq --no-install-recommends dpkg-dev file
RUN cmake --preset release -DGENREWISE_NEURAL=OFF -DCMAKE_INSTALL_PREFIX=/usr \
 && cmake --build --preset release \
 && cpack --config build/release/CPackConfig.cmake -B /packages

FROM debian:12-slim
COPY --from=build /packages/genrewise_*.deb /packages/
RUN apt-get update \
 && apt-get install -y --no-install-recommends /packages/*.deb \
 && rm -rf /packages /var/lib/apt/lists/* \
 && useradd --uid 1000 --create-home genrewise \
 && install -d -o genrewise -g genrewise /data
ENV XDG_DATA_HOME=/data
USER 1000
VOLUME /data
WORKDIR /home/genrewise
ENTRYPOINT ["genrewise"]
CMD ["--help"]
